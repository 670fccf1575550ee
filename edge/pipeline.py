"""The pipeline: one frame in, everything that is known about it out.

to_gray -> find faces (or follow the last ones) -> crop each -> classify all at once -> smooth each -> FrameResult
"""

import time
from dataclasses import replace
from typing import Protocol

import cv2
import numpy as np

from edge.config import EdgeConfig
from edge.detectors import Detector, create_detector
from edge.governor import Intervals, fixed_intervals
from edge.interpreter import EmotionClassifier
from edge.model_info import Head, ModelInfo
from edge.motion import MotionFollower, shrink
from edge.preprocess import crop_face, to_gray
from edge.quality import face_quality
from edge.results import BgrImage, Box, Face, FaceInput, Frame, FrameResult, GrayImage, Probabilities, Timings
from edge.scene_change import SceneChange, SceneChangeDetector
from edge.search import Scene, create_search
from edge.tracking import Track, Tracker
from edge.views import clip, same_face

REWOUND_S = 1.0
"""If a source's clock goes back by more than this, it has started again."""


class Classifier(Protocol):
    """Tells emotions."""

    info: ModelInfo
    head: Head
    """The name of the model's head that the scores come from."""

    def predict(self, faces: FaceInput) -> Probabilities:
        """Return scores (faces, labels) for faces (faces, height, width, 1)."""


class Pipeline:
    """Turns the frames of one source into results. In one thread, several pipelines may share detector and classifier.

    Usage:
        pipeline = Pipeline(EdgeConfig(source="demo"))
        result = pipeline.process(frame)

    Raises:
        ModelError, ConfigError: the emotion model or the detector can't be loaded.
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
        cv2.setNumThreads(1)  # the images are small: more threads cost more than they give
        self._crops = np.empty((config.max_faces, *self.classifier.info.input_shape), np.uint8)
        labels = len(self.classifier.head.labels)
        self._nothing_known = np.full(labels, 1 / labels, np.float32)
        self._motion = MotionFollower()
        self._scene = SceneChangeDetector()
        self._search = create_search(self.detector)
        self._intervals = fixed_intervals(config)
        self._processed = 0
        self._last_s = float("-inf")

    @property
    def idle(self) -> bool:
        """Whether nobody is in view and nothing changes."""
        return self._search.idle

    def process(self, frame: Frame, intervals: Intervals | None = None) -> FrameResult:
        """Find the faces of a frame and their emotions. `intervals`, if given, apply from this frame on."""
        self._intervals = intervals or self._intervals
        clock = _Stopwatch()
        gray = to_gray(frame.image)
        self._begin_anew_if_due(frame, gray)
        clock.lap("gray_ms")
        is_detected = self._is_detection_due()
        tracks = self._detect(frame, gray) if is_detected else self._follow(frame, gray)
        clock.lap("detect_ms" if is_detected else "follow_ms")
        due = self._worth_judging(gray, tracks, frame.time_s)
        crops = self._crop(gray if self.classifier.info.color == "gray" else frame.image, due)
        clock.lap("crop_ms")
        probabilities = self.classifier.predict(crops)
        clock.lap("classify_ms")
        faces = self._smooth(tracks, due, probabilities, frame)
        clock.lap("track_ms")
        self._processed += 1
        doubtful = self._doubtful(frame, faces)
        return FrameResult.of(frame, faces, clock.timings(), self.classifier.head.name, doubtful)

    def _doubtful(self, frame: Frame, faces: tuple[Face, ...]) -> tuple[Box, ...]:
        """Where there may be faces that are not in the result."""
        size = (frame.image.shape[1], frame.image.shape[0])
        seen = getattr(self.detector, "doubtful", ()) if frame.is_still else self._search.doubtful
        places = {clip(box, size) for box in (*seen, *self.tracker.expected(frame.time_s))}
        return tuple(box for box in places if not any(same_face(box, face.box) for face in faces))

    def _begin_anew_if_due(self, frame: Frame, gray: GrayImage) -> None:
        """Forget all faces after a cut, for a photo, or in a video that starts again.

        After the camera was turned, forget only those that left the image.
        """
        change = self._scene.update(gray)
        is_rewound, self._last_s = frame.time_s < self._last_s - REWOUND_S, frame.time_s
        if frame.is_still or is_rewound or change is SceneChange.CUT:
            self._forget()
        elif change is SceneChange.DRIFT:
            self.tracker.forget_hidden()

    def _forget(self) -> None:
        """Treat this image like the first one; only the numbers of identities go on."""
        self.tracker.forget()
        self._search = create_search(self.detector)
        self._processed = 0

    def _is_detection_due(self) -> bool:
        return self.idle or self._processed % self._intervals.detect_every == 0

    def _detect(self, frame: Frame, gray: GrayImage) -> list[Track]:
        """Detect faces and match them with the known ones; a photo is searched as a whole."""
        if frame.is_still:
            self.detections += 1
            found = self.detector.detect(frame.image)
        else:
            small = self._small(frame, gray)
            self._motion.remember(small)
            known = [track.detection for track in self.tracker.visible]
            scene = Scene(frame.image, small, frame.time_s, known, self.tracker.expected(frame.time_s))
            found = self._search.update(scene)
            self.detections += not self.idle
        return self.tracker.update(found, frame.time_s, frame.image)

    def _follow(self, frame: Frame, gray: GrayImage) -> list[Track]:
        """Move the known faces as the image moved."""
        if not self.tracker.visible:
            return []
        small = self._small(frame, gray)
        boxes = [track.detection.box for track in self.tracker.visible]
        moved = self._motion.follow(small, boxes, frame.image.shape[1] / small.shape[1])
        self._motion.remember(small)
        return self.tracker.follow(moved, frame.time_s)

    def _small(self, frame: Frame, gray: GrayImage) -> GrayImage:
        return shrink(gray if frame.small is None else frame.small)

    def _worth_judging(self, gray: GrayImage, tracks: list[Track], now_s: float) -> list[Track]:
        """The faces to classify on this frame: it is their turn, and they are seen well enough."""
        due = [track for track in tracks if self._is_due(track)]
        return [track for track in due if self._is_worth(gray, track, now_s)]

    def _is_worth(self, gray: GrayImage, track: Track, now_s: float) -> bool:
        quality = face_quality(gray, track.detection.box, track.pose)
        track.judge(quality, self.config, now_s)
        if not track.is_worth:
            track.smoother.update(self._nothing_known, now_s)
        return track.is_worth and quality >= self.config.min_quality

    def _is_due(self, track: Track) -> bool:
        """Whether it is the face's turn to be classified; several faces take turns."""
        return track.judged_s is None or (self._processed + track.track_id) % self._intervals.classify_every == 0

    def _crop(self, image: BgrImage | GrayImage, tracks: list[Track]) -> FaceInput:
        for crop, track in zip(self._crops, tracks, strict=False):
            turn = track.tilt_degrees if 0 < self.config.upright_from < abs(track.tilt_degrees) else 0.0
            crop[:] = crop_face(image, track.detection.box, self.classifier.info, turn)
        return self._crops[: len(tracks)]

    def _smooth(
        self, tracks: list[Track], due: list[Track], probabilities: Probabilities, frame: Frame
    ) -> tuple[Face, ...]:
        """The faces for the result, with smoothed scores; boxes end at the frame's border."""
        self.classifications += len(due)
        for track, row in zip(due, probabilities, strict=True):
            track.smoother.update(row, frame.time_s)
        size = (frame.image.shape[1], frame.image.shape[0])
        faces = (track.face(self.classifier.head.labels) for track in tracks)
        return tuple(replace(face, box=clip(face.box, size)) for face in faces)


def create_classifier(config: EdgeConfig) -> EmotionClassifier:
    """Load the emotion model that the options name, and warm it up."""
    classifier = EmotionClassifier(config.model_path, config.runtime, config.threads, config.scores, config.delegate)
    classifier.warm_up()
    return classifier


class _Stopwatch:
    """Times the stages of one frame."""

    def __init__(self) -> None:
        self._start_s = self._lap_s = time.perf_counter()
        self._laps_ms: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Store the time since the last lap under this name."""
        last_s, self._lap_s = self._lap_s, time.perf_counter()
        self._laps_ms[name] = (self._lap_s - last_s) * 1000

    def timings(self) -> Timings:
        """All laps, and the time since the start."""
        return Timings(**self._laps_ms, total_ms=(time.perf_counter() - self._start_s) * 1000)
