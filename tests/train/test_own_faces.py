"""docs/own_faces.md as a test: photographs of one's own become a network that runs."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.config import EdgeConfig
from edge.detectors import create_detector
from edge.model_info import LABEL, LABELS, read_model_info
from edge.sources import DemoSource
from tests.processes import run_python

PHOTOS = 16


def write_photos(folder: Path) -> Path:
    """Photographs of the demo's face: `Happy` as it is, `Neutral face/` with a hand before the mouth, and some junk."""
    demo = DemoSource()
    for name in ("Happy", "Neutral face/evening"):
        (folder / name).mkdir(parents=True)
        for index in range(PHOTOS):
            photo = _frame(demo, 4 * index)
            if name != "Happy":
                _cover_mouth(photo)
            cv2.imwrite(str(folder / name / f"IMG_{index}.JPG"), photo)
    (folder / "Happy/broken.jpg").write_bytes(b"no image")
    cv2.imwrite(str(folder / "Happy/wall.png"), np.full((400, 400, 3), 90, np.uint8))
    return folder


def _frame(demo: DemoSource, index: int) -> np.ndarray:  # type: ignore[type-arg]
    return demo.image(index).copy()


def _cover_mouth(photo: np.ndarray) -> None:  # type: ignore[type-arg]
    (face, *_) = create_detector(EdgeConfig()).detect(photo)
    x, y, width, height = map(int, face.box)
    photo[y + int(0.72 * height) : y + int(0.95 * height), x + width // 4 : x + 3 * width // 4] = (120, 140, 190)


@pytest.mark.timeout(1500)
def test_from_photographs_to_a_running_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER2013", str(tmp_path / "nowhere"))
    photos, run = str(write_photos(tmp_path / "my_faces")), tmp_path / "run"
    train = ["--init", "bundled", "--data", photos, "--crop", "--epochs", "1"]
    trained = run_python("-m", "train", *train, "--out", str(run), timeout_s=900)
    assert trained.returncode == 0, trained.stderr
    assert "\b" not in trained.stdout
    assert "Left out 1 (no image): Happy/broken.jpg" in trained.stdout
    assert "Left out 1 (no face found by --crop): Happy/wall.png" in trained.stdout
    assert f"Found {2 * PHOTOS} images belonging to 2 classes (Training)" in trained.stdout

    calibrate = ["--samples-from", photos, "--crop", "--samples", "28"]
    converted = run_python("-m", "convert", str(run / "model.keras"), "--int8", *calibrate, timeout_s=900)
    assert converted.returncode == 0, converted.stderr
    file = run / "model_int8.tflite"
    assert [head.name for head in read_model_info(file).heads] == [LABEL]

    demo = ["--headless", "--source", "demo", "--max-frames", "12", "--model", str(file)]
    ran = run_python("-m", "edge.run", *demo, timeout_s=300)
    assert ran.returncode == 0, ran.stderr
    faces = [face for line in ran.stdout.splitlines() for face in json.loads(line)["faces"]]
    assert all(tuple(face["scores"]) == LABELS for face in faces)
    assert Counter(face["emotion"] for face in faces).most_common(1)[0][0] == "happy"
