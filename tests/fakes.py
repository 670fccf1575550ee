"""Stand-ins for what is slow, random or made of hardware: a detector, a classifier, sources and a sink."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from edge.capture import Source
from edge.errors import SinkError, SourceError
from edge.model_info import LABELS, ModelInfo
from edge.results import BgrImage, Box, Detection, EmotionScores, Face, FaceInput, Frame, FrameResult, Probabilities


class FakeDetector:
    """Finds the same faces (boxes in the image that it is shown) in every image, and counts its calls."""

    name = "fake"

    def __init__(self, boxes: Sequence[Box] = (Box(40, 30, 60, 60),)) -> None:
        self.boxes = list(boxes)
        self.calls = 0

    def detect(self, image: BgrImage) -> list[Detection]:
        self.calls += 1
        return [Detection(box, 0.9) for box in self.boxes]


class FakeClassifier:
    """Gives every face the same label with probability `confidence`, and keeps the crops that it was shown."""

    def __init__(self, label: str = "happy", confidence: float = 0.8) -> None:
        self.info = ModelInfo("fake")
        self.head = self.info.heads[0]
        self.label = label
        self.confidence = confidence
        self.crops: list[FaceInput] = []

    def predict(self, faces: FaceInput) -> Probabilities:
        self.crops.extend(faces.copy())
        rest = (1 - self.confidence) / (len(self.info.labels) - 1)
        probabilities = np.full((len(faces), len(self.info.labels)), rest, np.float32)
        probabilities[:, self.info.labels.index(self.label)] = self.confidence
        return probabilities


class FakeSource(Source):
    """Images whose pixels are their number; a live one comes at `fps`, `fail_after` ends it with an error."""

    def __init__(self, count: int = 10, live: bool = False, fps: float = 0.0, fail_after: int | None = None) -> None:
        self.live = live
        self.small: BgrImage | None = None
        self.fps = fps
        self.closed = False
        self.reads = 0
        self._count = count
        self._fail_after = fail_after

    def read(self) -> BgrImage | None:
        if self.live and self.fps:
            time.sleep(1 / self.fps)
        if self.reads == self._fail_after:
            raise SourceError("Expected a frame from the fake. Received: none")
        if self.reads == self._count:
            return None
        self.reads += 1
        return np.full((48, 64, 3), (self.reads - 1) % 256, np.uint8)

    def skip(self) -> None:
        self.read()

    def close(self) -> None:
        self.closed = True


class RecordingSink:
    """Keeps every result; fails after `fail_after` of them with `error`."""

    def __init__(self, fail_after: int | None = None, on_write: Callable[[FrameResult], None] | None = None) -> None:
        self.results: list[FrameResult] = []
        self.closed = False
        self._fail_after = fail_after
        self._on_write = on_write

    def write(self, frame: Frame, result: FrameResult) -> None:
        if len(self.results) == self._fail_after:
            raise SinkError("Expected room on the disk. Received: none")
        self.results.append(result)
        if self._on_write:
            self._on_write(result)

    def close(self) -> None:
        self.closed = True


def frame_of(image: BgrImage, index: int = 0, captured_monotonic_s: float | None = None, source: str = "fake") -> Frame:
    """A frame around an image, captured now or when told."""
    now_s = time.monotonic() if captured_monotonic_s is None else captured_monotonic_s
    return Frame(image, index, now_s, time.time(), source)


def result_of(frame: Frame, emotion: str = "happy", track_id: int = 1) -> FrameResult:
    """A result with one face."""
    scores = EmotionScores(LABELS, tuple(0.88 if label == emotion else 0.02 for label in LABELS))
    face = Face(track_id, Box(10, 20, 50, 50), emotion, 0.88, scores)
    return FrameResult(frame.index, frame.captured_monotonic_s, frame.captured_at, frame.source, (face,))
