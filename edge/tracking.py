"""Who is who from frame to frame, and one smoothed emotion for each."""

import math
from dataclasses import dataclass, replace

import numpy as np

from edge.affect import affect, certainty
from edge.config import EdgeConfig
from edge.results import Box, Detection, EmotionScores, Face, Probabilities

UNCERTAIN = "uncertain"
MIN_OVERLAP = 0.2
"""Intersection over union from which a detection is the same face."""
KEEP_S = 0.4
"""How long a face that detectors miss, but that can still be followed, stays in view."""
FORGET_S = 1.0
"""How long an identity outlives several missed detections."""
FORGET_RARE_S = 10.0
"""How long it outlives a single one, where detections are rare, or a pause of the camera."""


class Smoother:
    """One face's scores over time: an exponential mean, and a label that changes only for a clear winner.

    The mean's weight follows the time between frames, so that the rate of frames does not matter.
    """

    def __init__(self, smoothing_s: float, hysteresis: float, threshold: float) -> None:
        self._smoothing_s = smoothing_s
        self._hysteresis = hysteresis
        self._threshold = threshold
        self._mean: Probabilities | None = None
        self._shown: int | None = None
        self._updated_s = 0.0

    def update(self, probabilities: Probabilities, now_s: float) -> None:
        """Take in the probabilities of a frame captured at `now_s`."""
        if self._mean is None or self._smoothing_s == 0:
            self._mean = probabilities.copy()
        else:
            weight = 1 - math.exp(-max(0.0, now_s - self._updated_s) / self._smoothing_s)
            self._mean += weight * (probabilities - self._mean)
        self._updated_s = now_s
        self._choose(int(np.argmax(self._mean)), self._mean)

    @property
    def values(self) -> tuple[float, ...]:
        """The smoothed scores; they sum to 1. Empty before the first update."""
        return () if self._mean is None else tuple(float(value) for value in self._mean)

    @property
    def shown(self) -> int | None:
        """The index of the label to show, None if uncertain."""
        return self._shown

    def _choose(self, best: int, mean: Probabilities) -> None:
        """Change the shown label only for one that leads by the hysteresis, and to uncertain only that far below."""
        margin = self._hysteresis if self._smoothing_s else 0.0
        if self._shown is not None and best != self._shown and mean[best] - mean[self._shown] < margin:
            best = self._shown
        limit = self._threshold - (0.0 if self._shown is None else margin)
        self._shown = best if mean[best] >= limit else None


@dataclass
class Track:
    """A face that is followed."""

    track_id: int
    detection: Detection
    seen_s: float
    """When a detector last saw it."""
    smoother: Smoother
    visible: bool = True
    """False while it is missed."""
    lost: bool = False
    """It could not be followed since it was last seen."""
    missed: int = 0
    """How many detections have not found it since it was last seen."""
    tilt_degrees: float = 0.0
    """How far the head was turned when a detector last saw it."""
    crops: int = 0
    """How many times it was classified."""

    def see(self, detection: Detection, now_s: float) -> None:
        """Take over what a detector saw."""
        self.detection, self.seen_s, self.tilt_degrees = detection, now_s, detection.tilt_degrees
        self.visible, self.lost, self.missed = True, False, 0

    def is_known(self, now_s: float) -> bool:
        """Whether its identity is still kept."""
        return now_s - self.seen_s <= (FORGET_S if self.missed > 1 else FORGET_RARE_S)

    def face(self, labels: tuple[str, ...]) -> Face:
        """What the world is told about this face."""
        scores = EmotionScores(labels, self.smoother.values)
        shown = self.smoother.shown
        place = affect(labels, scores.values)
        return Face(
            track_id=self.track_id,
            box=self.detection.box,
            emotion=UNCERTAIN if shown is None else labels[shown],
            confidence=scores.confidence if shown is None else scores.values[shown],
            scores=scores,
            face_score=self.detection.score,
            certainty=certainty(scores.values),
            intensity=place.intensity,
            valence=place.valence,
            arousal=place.arousal,
        )


class Tracker:
    """Gives every face an identity that survives a missed detection.

    Usage:
        tracks = tracker.update(faces, now_s)  # after a detection
        tracks = tracker.follow(boxes)         # between detections
    """

    def __init__(self, config: EdgeConfig) -> None:
        self._config = config
        self._tracks: list[Track] = []
        self._next_id = 1

    @property
    def visible(self) -> list[Track]:
        """The faces that are in the image now."""
        return [track for track in self._tracks if track.visible]

    def update(self, detections: list[Detection], now_s: float) -> list[Track]:
        """Join a detector's faces with the known ones."""
        self._tracks = [track for track in self._tracks if track.is_known(now_s)]
        pairs = match([track.detection.box for track in self._tracks], [detection.box for detection in detections])
        for track in self._tracks:
            track.visible = track.visible and not track.lost and now_s - track.seen_s <= KEEP_S
            track.missed += 1
        for known, seen in pairs:
            track = self._tracks[known]
            track.see(detections[seen], now_s)
        matched = {seen for _, seen in pairs}
        self._tracks += [
            self._new(detection, now_s) for index, detection in enumerate(detections) if index not in matched
        ]
        self._hide_all_but(self._config.max_faces)
        return self.visible

    def follow(self, boxes: list[Box | None]) -> list[Track]:
        """Move the visible faces, in order, to `boxes`; one whose box is None stays where it was."""
        for track, box in zip(self.visible, boxes, strict=True):
            if box is None:
                track.lost = True
            else:
                track.detection = replace(track.detection, box=box, points=())
        return self.visible

    def forget(self) -> None:
        """Give up every identity."""
        self._tracks.clear()

    def _new(self, detection: Detection, now_s: float) -> Track:
        config = self._config
        smoother = Smoother(config.smoothing_s, config.hysteresis, config.threshold)
        track = Track(self._next_id, detection, now_s, smoother, tilt_degrees=detection.tilt_degrees)
        self._next_id += 1
        return track

    def _hide_all_but(self, count: int) -> None:
        smallest_last = sorted(self.visible, key=lambda track: _area(track.detection.box), reverse=True)
        for track in smallest_last[count:]:
            track.visible = False


def match(known: list[Box], seen: list[Box]) -> list[tuple[int, int]]:
    """Pairs (known, seen) by falling overlap, each box at most once."""
    pairs = [
        (overlap(old, new), row, column)
        for row, old in enumerate(known)
        for column, new in enumerate(seen)
        if overlap(old, new) >= MIN_OVERLAP
    ]
    rows: set[int] = set()
    columns: set[int] = set()
    chosen = []
    for _, row, column in sorted(pairs, reverse=True):
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            chosen.append((row, column))
    return chosen


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0, width) * max(0, height)
    return shared / max(1, _area(one) + _area(other) - shared)


def _area(box: Box) -> int:
    return box.width * box.height
