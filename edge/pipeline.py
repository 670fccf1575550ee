"""The visible line: one frame in, everything that is known about it out.

to_gray -> find faces (or follow the last ones) -> crop each -> classify all at once -> smooth each -> FrameResult
"""

import time
from typing import Protocol

import cv2
import numpy as np

from edge.config import EdgeConfig
from edge.detectors import Detector, create_detector, downscale, find_faces
from edge.governor import Intervals, fixed_intervals
from edge.interpreter import EmotionClassifier
from edge.model_info import Head, ModelInfo
from edge.motion import MotionFollower, Stillness
from edge.preprocess import crop_face, to_gray
from edge.quality import face_quality
from edge.results import BgrImage, Face, FaceInput, Frame, FrameResult, GrayImage, Probabilities, Timings
from edge.scene_change import SceneChange, SceneChangeDetector
from edge.tracking import Track, Tracker

LOOK_S = 1.0
"""A detector looks at least this often at a still scene, so that nobody who sits still is missed for long."""


class Classifier(Protocol):
    """Tells emotions."""

    info: ModelInfo
    head: Head
    """Whose scores it gives."""

    def predict(self, faces: FaceInput) -> Probabilities:
        """Scores (faces, labels) of faces (faces, height, width, 1)."""


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
        self.idle = False
        """Nobody in view and nothing moves."""
        self.detections = 0
        self.classifications = 0
        cv2.setNumThreads(1)  # the images are small: more threads cost more than they give
        self._crops = np.empty((config.max_faces, *self.classifier.info.input_shape), np.uint8)
        labels = len(self.classifier.head.labels)
        self._nothing_known = np.full(labels, 1 / labels, np.float32)
        self._motion = MotionFollower()
        self._scene = SceneChangeDetector()
        self._stillness = Stillness()
        self._intervals = fixed_intervals(config)
        self._looked_s = -LOOK_S
        self._processed = 0

    def process(self, frame: Frame, intervals: Intervals | None = None) -> FrameResult:
        """All that is known of the frame: the whole system in one screen. `intervals` hold from this frame on."""
        self._intervals = intervals or self._intervals
        clock = _Stopwatch()
        gray = to_gray(frame.image)
        self._begin_anew_if_due(frame, gray)
        clock.lap("gray_ms")
        is_detected = self._is_detection_due()
        tracks = self._detect(frame) if is_detected else self._follow(frame)
        clock.lap("detect_ms" if is_detected else "follow_ms")
        due = self._worth_judging(gray, tracks, frame.time_s)
        crops = self._crop(gray if self.classifier.info.color == "gray" else frame.image, due)
        clock.lap("crop_ms")
        probabilities = self.classifier.predict(crops)
        clock.lap("classify_ms")
        faces = self._smooth(tracks, due, probabilities, frame.time_s)
        clock.lap("track_ms")
        self._processed += 1
        return FrameResult.of(frame, faces, clock.timings(), self.classifier.head.name)

    def _begin_anew_if_due(self, frame: Frame, gray: GrayImage) -> None:
        """After a cut, as with a photo, nothing that was known holds; after a camera's turn, places don't."""
        change = self._scene.update(gray)
        if frame.is_still or change is SceneChange.CUT:
            self._forget()
        elif change is SceneChange.DRIFT:
            self.tracker.forget_hidden()

    def _forget(self) -> None:
        """Look at this image as at the first one; identities go on counting."""
        self.tracker.forget()
        self._stillness = Stillness()
        self._processed = 0

    def _is_detection_due(self) -> bool:
        return self.idle or self._processed % self._intervals.detect_every == 0

    def _detect(self, frame: Frame) -> list[Track]:
        """The faces that the detector sees, joined with the known ones; it rests while an empty scene stands still."""
        small = self._small(frame)
        small_gray = to_gray(small)
        self._motion.remember(small_gray)
        self.idle = self._stillness.update(small_gray) and not self.tracker.visible
        if self.idle and 0 <= frame.time_s - self._looked_s < LOOK_S:
            return []
        self.detections += 1
        self._looked_s = frame.time_s
        size = (frame.image.shape[1], frame.image.shape[0])
        return self.tracker.update(find_faces(self.detector, small, size), frame.time_s, frame.image)

    def _follow(self, frame: Frame) -> list[Track]:
        """The known faces, moved as the image moved."""
        if not self.tracker.visible:
            return []
        small = to_gray(self._small(frame))
        boxes = [track.detection.box for track in self.tracker.visible]
        moved = self._motion.follow(small, boxes, frame.image.shape[1] / small.shape[1])
        self._motion.remember(small)
        return self.tracker.follow(moved, frame.time_s)

    def _small(self, frame: Frame) -> BgrImage:
        return downscale(frame.image if frame.small is None else frame.small, self.config.detect_width)

    def _worth_judging(self, gray: GrayImage, tracks: list[Track], now_s: float) -> list[Track]:
        """The faces that are classified on this frame: it is their turn, and their view is good enough."""
        due = [track for track in tracks if self._is_due(track)]
        return [track for track in due if self._is_worth(gray, track, now_s)]

    def _is_worth(self, gray: GrayImage, track: Track, now_s: float) -> bool:
        quality = face_quality(gray, track.detection.box, track.pose)
        track.judge(quality, self.config, now_s)
        if not track.is_worth:
            track.smoother.update(self._nothing_known, now_s)
        return track.is_worth and quality >= self.config.min_quality

    def _is_due(self, track: Track) -> bool:
        """Whether the face is judged on this frame; several faces take turns."""
        return track.judged_s is None or (self._processed + track.track_id) % self._intervals.classify_every == 0

    def _crop(self, image: BgrImage | GrayImage, tracks: list[Track]) -> FaceInput:
        for crop, track in zip(self._crops, tracks, strict=False):
            tilt = track.tilt_degrees if 0 < self.config.upright_from < abs(track.tilt_degrees) else 0.0
            crop[:] = crop_face(image, track.detection.box, self.classifier.info, tilt)
        return self._crops[: len(tracks)]

    def _smooth(
        self, tracks: list[Track], due: list[Track], probabilities: Probabilities, now_s: float
    ) -> tuple[Face, ...]:
        self.classifications += len(due)
        for track, row in zip(due, probabilities, strict=True):
            track.smoother.update(row, now_s)
        return tuple(track.face(self.classifier.head.labels) for track in tracks)


def create_classifier(config: EdgeConfig) -> EmotionClassifier:
    """The emotion model that the options name, warmed up."""
    classifier = EmotionClassifier(config.model_path, config.runtime, config.threads, config.scores)
    classifier.warm_up()
    return classifier


class _Stopwatch:
    """The laps of one frame."""

    def __init__(self) -> None:
        self._start_s = self._lap_s = time.perf_counter()
        self._laps_ms: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Give the time since the last lap this name."""
        last_s, self._lap_s = self._lap_s, time.perf_counter()
        self._laps_ms[name] = (self._lap_s - last_s) * 1000

    def timings(self) -> Timings:
        """All laps, and the time since the start."""
        return Timings(**self._laps_ms, total_ms=(time.perf_counter() - self._start_s) * 1000)
