"""Frames with known faces."""

import pytest

from benchmarks import scenes
from benchmarks.golden import generated_faces
from edge.boxes import overlap
from edge.config import EdgeConfig
from edge.detectors import create_detector


@pytest.mark.parametrize("count", [0, 1, 4, 16])
def test_a_crowd_has_its_faces_inside_the_frame_and_apart(count: int) -> None:
    scene = scenes.crowd((640, 480), count)
    assert len(scene.boxes) == count
    for index, box in enumerate(scene.boxes):
        assert 0 <= box.x <= 640 - box.width
        assert 0 <= box.y <= 480 - box.height
        assert all(overlap(box, other) == 0 for other in scene.boxes[:index])


def test_a_real_detector_finds_the_crowds_faces_where_they_are_said_to_be() -> None:
    scene = scenes.crowd((640, 480), 4)
    faces = create_detector(EdgeConfig()).detect(scene.image)
    assert len(faces) == 4
    assert all(max(overlap(face.box, box) for box in scene.boxes) > 0.4 for face in faces)


def test_pasted_faces_are_the_same_every_time() -> None:
    faces = list(generated_faces(3)[..., 0])
    first, second = (scenes.pasted(faces, (640, 480), (60, 90, 120), seed=7) for _ in range(2))
    assert first.boxes == second.boxes
    assert (first.image == second.image).all()


def test_no_room_is_an_error() -> None:
    faces = list(generated_faces(5)[..., 0])
    with pytest.raises(ValueError, match="Received: "):
        scenes.pasted(faces, (100, 100), [60] * 5, seed=0)
