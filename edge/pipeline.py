"""The visible line: one frame in, everything that is known about it out.

to_gray -> find faces (or follow the last ones) -> crop each -> classify all at once -> smooth each -> FrameResult
"""

import time
from typing import Protocol

import numpy as np

from edge.config import EdgeConfig
from edge.detectors import Detector, create_detector, downscale, find_faces
from edge.interpreter import EmotionClassifier
from edge.model_info import ModelInfo
from edge.motion import MotionFollower
from edge.preprocess import crop_face, to_gray
from edge.results import BgrImage, FaceInput, Frame, FrameResult, GrayImage, Person, Probabilities, Timings
from edge.tracking import Track, Tracker


class Classifier(Protocol):
    """Tells emotions."""

    info: ModelInfo

    def predict(self, faces: FaceInput) -> Probabilities:
        """Probabilities (faces, labels) of faces (faces, height, width, 1)."""


class Pipeline:
    """Frames of one source in, results out. Several pipelines may share a detector and a classifier in one thread.

    Usage:
        pipeline = Pipeline(EdgeConfig(source="demo"))
        result = pipeline.process(frame)

    Raises:
        ModelError, ConfigError: the emotion model or the detector can't be had.
    """

    def __init__(
        self, config: EdgeConfig, detector: Detector | None = None, classifier: Classifier | None = None
    ) -> None:
        self.config = config
        self.detector = detector or create_detector(config)
        self.classifier = classifier or create_classifier(config)
        self.tracker = Tracker(config)
        self.detections = 0
        self.classifications = 0
        self._motion = MotionFollower()
        self._processed = 0

    def process(self, frame: Frame) -> FrameResult:
        """All that is known of the frame: the whole system in one screen."""
        clock = _Stopwatch()
        gray = to_gray(frame.image)
        gray_ms = clock.lap_ms()
        tracks = self._find(frame.image, frame.captured_at_s)
        detect_ms = clock.lap_ms()
        due = [track for track in tracks if self._is_due(track)]
        crops = self._crop(gray, due)
        crop_ms = clock.lap_ms()
        probabilities = self.classifier.predict(crops)
        classify_ms = clock.lap_ms()
        people = self._smooth(tracks, due, probabilities, frame.captured_at_s)
        track_ms = clock.lap_ms()
        self._processed += 1
        return FrameResult(
            frame_index=frame.index,
            captured_at_s=frame.captured_at_s,
            captured_at=frame.captured_at,
            source=frame.source,
            people=people,
            timings=Timings(gray_ms, detect_ms, crop_ms, classify_ms, track_ms, clock.total_ms()),
            age_ms=(time.monotonic() - frame.captured_at_s) * 1000,
        )

    def _find(self, image: BgrImage, now_s: float) -> list[Track]:
        """The faces in the picture: detected on every Nth frame, followed on the others."""
        small = downscale(image, self.config.detect_width)
        small_gray = to_gray(small)
        full_size = (image.shape[1], image.shape[0])
        if self._processed % self.config.detect_every == 0:
            self.detections += 1
            tracks = self.tracker.update(find_faces(self.detector, small, full_size), now_s)
        else:
            boxes = [track.face.box for track in self.tracker.visible]
            tracks = self.tracker.follow(self._motion.follow(small_gray, boxes, full_size[0] / small.shape[1]))
        self._motion.remember(small_gray)
        return tracks

    def _is_due(self, track: Track) -> bool:
        """Whether the face is classified on this frame; several faces take turns."""
        return track.crops == 0 or (self._processed + track.track_id) % self.config.classify_every == 0

    def _crop(self, gray: GrayImage, tracks: list[Track]) -> FaceInput:
        width, height = self.classifier.info.input_size
        crops = np.empty((len(tracks), height, width, 1), np.uint8)
        for crop, track in zip(crops, tracks, strict=True):
            crop[:] = crop_face(gray, track.face.box, self.classifier.info)
        return crops

    def _smooth(
        self, tracks: list[Track], due: list[Track], probabilities: Probabilities, now_s: float
    ) -> tuple[Person, ...]:
        self.classifications += len(due)
        for track, row in zip(due, probabilities, strict=True):
            track.smoother.update(row, now_s)
            track.crops += 1
        return tuple(track.person(self.classifier.info.labels) for track in tracks)


def create_classifier(config: EdgeConfig) -> EmotionClassifier:
    """The emotion model that the options name, warmed up."""
    classifier = EmotionClassifier(config.model_path, config.runtime, config.threads)
    classifier.warm_up()
    return classifier


class _Stopwatch:
    """Laps in milliseconds."""

    def __init__(self) -> None:
        self._start_s = self._lap_s = time.perf_counter()

    def lap_ms(self) -> float:
        """Since the last lap."""
        last_s, self._lap_s = self._lap_s, time.perf_counter()
        return (self._lap_s - last_s) * 1000

    def total_ms(self) -> float:
        """Since the start."""
        return (time.perf_counter() - self._start_s) * 1000
