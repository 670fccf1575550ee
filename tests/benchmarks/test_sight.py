"""The measurement of sight: films with a head of a known size, and what counts as found."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import sight
from benchmarks.heads import FPS, Head, film, group_of, load_heads, scene_of, some_heads
from edge.boxes import overlap
from edge.config import EdgeConfig
from edge.errors import DataError
from edge.pipeline import Pipeline
from tests.fakes import FakeClassifier, FakeDetector

HEAD = Head(np.full((200, 100, 3), 255, np.uint8), (20.0, 50.0, 60.0, 80.0))


@pytest.mark.parametrize("height", [20, 40, 300])
def test_the_face_has_the_height_that_was_asked_for(height: int) -> None:
    scene = scene_of(HEAD, height, (640, 480), seed=0)
    (box,) = scene.boxes
    assert box.height == height
    assert scene.image.shape == (480, 640, 3)
    assert scene.image[max(0, box.y), max(0, box.x)].tolist() == [255, 255, 255]


def test_a_film_has_its_clock_and_new_grain_in_each_frame() -> None:
    first, second, *_ = film(scene_of(HEAD, 40, (320, 240), seed=1), 20)
    assert (first.time_s, second.time_s) == (0.0, 1 / FPS)
    assert (first.image != second.image).any()


def test_a_group_photo_has_each_head_once() -> None:
    scene = group_of([HEAD] * 6, (40, 60), (640, 480), seed=0)
    assert len(scene.boxes) == 6
    assert all(overlap(one, other) == 0 for one in scene.boxes for other in scene.boxes if one is not other)


def test_photographs_are_read_with_their_boxes(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), HEAD.image)
    (tmp_path / "heads.json").write_text(json.dumps([{"file": "a.png", "box": HEAD.box}]))
    (head,) = load_heads(tmp_path)
    assert head.box == HEAD.box
    assert len(some_heads(tmp_path, 3)) == 3
    (tmp_path / "heads.json").write_text('[{"file": "b.png", "box": [0, 0, 1, 1]}]')
    with pytest.raises(DataError, match=r"b\.png"):
        load_heads(tmp_path)
    with pytest.raises(DataError, match=r"heads\.json"):
        load_heads(tmp_path / "nowhere")


@pytest.mark.parametrize(("offset", "found", "false_boxes"), [(0, True, 0), (200, False, 20)])
def test_a_box_on_the_face_is_found_and_any_other_is_false(offset: int, found: bool, false_boxes: int) -> None:
    scene = scene_of(HEAD, 100, (640, 480), seed=3)
    box = scene.boxes[0]
    detector = FakeDetector([box._replace(x=(box.x + offset) % 500)])
    outcome = sight.watch(Pipeline(EdgeConfig(source="film"), detector, FakeClassifier()), scene, 20)
    assert (outcome.found, outcome.false_boxes) == (found, false_boxes)


def test_the_command_prints_tables_and_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight, "GROUPS", {4: (800, 600)})
    options = ["--detectors", "auto", "--sizes", "640x480", "--heights", "100", "--out", str(tmp_path)]
    assert sight.main(options) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "| auto | 640x480 | 100 | 1.00 | 0.000 |" in printed
    assert "| 4 | 800x600 | 1.00 | 0 |" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"sight.json", "sight.png"}
    assert sight.main(["--photos", str(tmp_path), *options]) == 1
