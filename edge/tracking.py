"""Follows who is who from frame to frame, and keeps one smoothed emotion for each person."""

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

from edge.affect import affect, certainty
from edge.appearance import Look, likeness, look_at
from edge.boxes import area, center, overlap
from edge.config import EdgeConfig
from edge.quality import pose_quality
from edge.results import UNCERTAIN, BgrImage, Box, Detection, EmotionScores, Face
from edge.smoothing import Smoother
from edge.views import surroundings

MIN_OVERLAP = 0.2
"""A detection with at least this intersection over union is the same face."""
KEEP_S = 0.4
"""How long a face stays in view that the detector misses, but that can still be followed."""
FORGET_S = 3.0
"""How long an identity is kept after several missed detections: somebody may have stepped in front of the face."""
FORGET_RARE_S = 10.0
"""How long it is kept if at most one detection has missed it: detections may be rare, or the camera may pause."""
SURE_S = 1.0
"""A face that was lost for longer is recognized by its looks, not only by its place."""
SAME_LOOK = 0.55
"""A lost face with at least this likeness is the same. Measured on 60 photographs: shifted views of one person have
0.73 and more; 1 of 20 pairs of different people has more than 0.61, and 1 of 100 more than 0.69."""
SURE_LOOK = 0.8
"""With at least this likeness it is the same even twice as far away; 1 of 1,770 pairs of different people has it."""
REACH = 1.0
"""How far a face may be from where it is expected, in sides of its box; as much is added for each second unseen."""
MOST_GROWTH = 1.7
"""The largest factor by which a face's side may have changed since it was last seen."""
CROWDED = 0.05
"""When two boxes overlap more than this, it is unclear which pixels belong to which face."""
COAST_S = 1.0
"""How long an unseen face is expected to keep moving as before."""
VELOCITY_S = 0.2
"""Time constant for measuring a face's velocity."""
CROWDED_VELOCITY_S = 1.0
"""The same next to another face, where boxes are less reliable."""
HEAD = 1.4
"""How much larger a head is than the box of its face: heads cover each other before the boxes meet."""
QUALITY_HYSTERESIS = 0.05
"""How far the quality must exceed the limit before a label is shown again."""


@dataclass
class Track:
    """A face that is followed."""

    track_id: int
    detection: Detection
    seen_s: float
    """When a detector last saw the face."""
    smoother: Smoother
    look: Look | None = None
    """How the face looked when nobody was in front of it."""
    placed_s: float = 0.0
    """When the box was last updated."""
    seen_at: tuple[float, float] = (0.0, 0.0)
    """The center of the box when a detector last saw the face."""
    velocity: tuple[float, float] = (0.0, 0.0)
    """The velocity of the center, in pixels per second."""
    visible: bool = True
    """Whether the face is in the image; False while it is missed."""
    behind: bool = False
    """Whether somebody was in front of the face when it was missed."""
    lost: bool = False
    """Whether following the face has failed since it was last seen."""
    missed: int = 0
    """How many detections have missed the face since it was last seen."""
    tilt_degrees: float = 0.0
    """How far the head was tilted when a detector last saw it."""
    pose: float = 1.0
    """`pose_quality` when a detector last saw it."""
    quality: float = 1.0
    """The smoothed quality of the face, in [0, 1]."""
    judged_s: float | None = None
    """When the quality was last measured."""
    is_worth: bool = True
    """Whether the quality is good enough for a label."""

    def see(self, detection: Detection, look: Look | None, now_s: float, is_crowded: bool = False) -> None:
        """Take a detection; if another head may cover the face, its looks and its speed are not trusted."""
        place = center(detection.box)
        self._learn_velocity(place, now_s, CROWDED_VELOCITY_S if is_crowded else VELOCITY_S)
        self.detection, self.seen_s, self.placed_s, self.seen_at = detection, now_s, now_s, place
        self.tilt_degrees, self.pose = detection.tilt_degrees, pose_quality(detection.points)
        self.look = self.look if is_crowded and self.look else look or self.look
        self.visible, self.behind, self.lost, self.missed = True, False, False, 0

    def place(self, box: Box, now_s: float) -> None:
        """Move the face to `box`, to which it was followed."""
        self.detection, self.placed_s = replace(self.detection, box=box, points=()), now_s

    def expected(self, now_s: float) -> Box:
        """Where the face should be now if it moved on as before, for no longer than `COAST_S`."""
        box, seconds = self.detection.box, min(max(0.0, now_s - self.placed_s), COAST_S)
        step_x, step_y = (round(speed * seconds) for speed in self.velocity)
        return box._replace(x=box.x + step_x, y=box.y + step_y)

    def is_known(self, now_s: float) -> bool:
        """Whether the identity is still kept."""
        return now_s - self.seen_s <= (FORGET_S if self.missed > 1 else FORGET_RARE_S)

    def is_sure(self, now_s: float) -> bool:
        """Whether its place is enough to tell who it is: the face was followed without a gap."""
        return self.visible and not self.lost and now_s - self.placed_s <= SURE_S

    def judge(self, quality: float, config: EdgeConfig, now_s: float) -> None:
        """Take in the quality of a view, smoothed like the scores, so that one blurred frame does not matter."""
        if self.judged_s is None or config.smoothing_s == 0:
            self.quality = quality
        else:
            weight = 1 - math.exp(-max(0.0, now_s - self.judged_s) / config.smoothing_s)
            self.quality += weight * (quality - self.quality)
        self.judged_s = now_s
        limit = config.min_quality if self.is_worth else min(1.0, config.min_quality + QUALITY_HYSTERESIS)
        self.is_worth = self.quality >= limit

    def face(self, labels: tuple[str, ...]) -> Face:
        """The face as it appears in a result."""
        scores = EmotionScores(labels, self.smoother.values)
        shown = self.smoother.shown if self.is_worth else None
        place = affect(labels, scores.values)
        return Face(
            track_id=self.track_id,
            box=self.detection.box,
            emotion=UNCERTAIN if shown is None else labels[shown],
            confidence=scores.confidence if shown is None else scores.values[shown],
            scores=scores,
            quality=self.quality,
            face_score=self.detection.score,
            certainty=certainty(scores.values),
            intensity=place.intensity,
            valence=place.valence,
            arousal=place.arousal,
        )

    def _learn_velocity(self, center: tuple[float, float], now_s: float, slowness_s: float) -> None:
        seconds = now_s - self.seen_s
        if not 0 < seconds <= COAST_S:
            self.velocity = (0.0, 0.0)
            return
        weight = 1 - math.exp(-seconds / slowness_s)
        self.velocity = (
            self.velocity[0] + weight * ((center[0] - self.seen_at[0]) / seconds - self.velocity[0]),
            self.velocity[1] + weight * ((center[1] - self.seen_at[1]) / seconds - self.velocity[1]),
        )


class Tracker:
    """Gives every face an identity that survives missed detections and people who pass in front of each other.

    Usage:
        tracks = tracker.update(detections, now_s, image)  # after a detection; without an image, only places count
        tracks = tracker.follow(boxes, now_s)              # between detections
    """

    def __init__(self, config: EdgeConfig) -> None:
        self._config = config
        self._tracks: list[Track] = []
        self._next_id = 1

    @property
    def visible(self) -> list[Track]:
        """The faces that are in the image now."""
        return [track for track in self._tracks if track.visible]

    def expected(self, now_s: float) -> list[Box]:
        """Where the known faces that are not visible now should be: somebody may be in front of them."""
        return [track.expected(now_s) for track in self._hidden if now_s - track.seen_s <= FORGET_S]

    def update(self, detections: list[Detection], now_s: float, image: BgrImage | None = None) -> list[Track]:
        """Match a detector's faces with the known ones."""
        self._tracks = [track for track in self._tracks if track.is_known(now_s)]
        seen = [_Seen(found, None if image is None else look_at(image, found.box)) for found in detections]
        pairs = match([[_affinity(track, other, now_s) for other in seen] for track in self._tracks])
        self._miss({row for row, _ in pairs}, detections, now_s)
        crowded = _crowded([surroundings(found.box, HEAD) for found in detections])
        for row, column in pairs:
            self._tracks[row].see(*seen[column], now_s, column in crowded)
        matched = {column for _, column in pairs}
        for column in sorted(range(len(seen)), key=lambda column: seen[column].detection.box.x):  # 1 is at the left
            if column not in matched and not (column in crowded and self._may_be_hidden(seen[column], now_s)):
                self._tracks.append(self._new(seen[column], now_s))
        self._hide_all_but(self._config.max_faces)
        return self.visible

    def follow(self, boxes: list[Box | None], now_s: float) -> list[Track]:
        """Move the visible faces, in order, to `boxes`; a face with None stays where it was.

        Overlapping faces keep moving as before, since the pixels that were followed may belong to the other one.
        """
        tracks = self.visible
        crowded = _crowded([track.detection.box for track in tracks])
        for index, (track, box) in enumerate(zip(tracks, boxes, strict=True)):
            if index in crowded:
                track.place(track.expected(now_s), now_s)
            elif box is None:
                track.lost = True
            else:
                track.place(box, now_s)
        return tracks

    def forget(self) -> None:
        """Give up every identity."""
        self._tracks.clear()

    def forget_hidden(self) -> None:
        """Give up identities that are not visible, since places mean nothing any more; those behind somebody stay."""
        self._tracks = [track for track in self._tracks if track.visible or track.behind]

    @property
    def _hidden(self) -> list[Track]:
        return [track for track in self._tracks if not track.visible]

    def _miss(self, matched: set[int], detections: list[Detection], now_s: float) -> None:
        """Update the tracks without a detection: one that is behind another face is hidden at once."""
        for row, track in enumerate(self._tracks):
            if row in matched:
                continue
            box = track.expected(now_s)
            track.behind = track.behind or any(overlap(box, found.box) > CROWDED for found in detections)
            track.visible = track.visible and not track.lost and not track.behind and now_s - track.seen_s <= KEEP_S
            track.missed += 1

    def _may_be_hidden(self, seen: "_Seen", now_s: float) -> bool:
        """Whether a half-covered face may be a known one coming back: then wait until it is seen clearly."""
        return any(_distance(track, seen.detection.box, now_s) <= 1 for track in self._hidden)

    def _new(self, seen: "_Seen", now_s: float) -> Track:
        config = self._config
        smoother = Smoother(config.smoothing_s, config.hysteresis, config.threshold)
        track = Track(self._next_id, seen.detection, now_s, smoother)
        track.see(seen.detection, seen.look, now_s)
        self._next_id += 1
        return track

    def _hide_all_but(self, count: int) -> None:
        smallest_last = sorted(self.visible, key=lambda track: area(track.detection.box), reverse=True)
        for track in smallest_last[count:]:
            track.visible = False


class _Seen(NamedTuple):
    """A detection and how it looks."""

    detection: Detection
    look: Look | None


def match(affinities: list[list[float | None]]) -> list[tuple[int, int]]:
    """Choose pairs (row, column) of high affinity, each row and column at most once; None is never a pair.

    The best pairs are taken first; then two pairs exchange partners if that raises their sum.
    """
    ranked = sorted(
        (
            (value, row, column)
            for row, values in enumerate(affinities)
            for column, value in enumerate(values)
            if value is not None
        ),
        reverse=True,
    )
    chosen: dict[int, int] = {}
    for _, row, column in ranked:
        if row not in chosen and column not in chosen.values():
            chosen[row] = column
    for one, other in combinations(list(chosen), 2):
        straight = _sum(affinities[one][chosen[one]], affinities[other][chosen[other]])
        if _sum(affinities[one][chosen[other]], affinities[other][chosen[one]]) > straight:
            chosen[one], chosen[other] = chosen[other], chosen[one]
    return list(chosen.items())


def _affinity(track: Track, seen: _Seen, now_s: float) -> float | None:
    """How well a detection fits a track by place and looks; None if it can't be the same face."""
    box, expected, is_sure = seen.detection.box, track.expected(now_s), track.is_sure(now_s)
    distance = _distance(track, box, now_s)
    if distance > (1 if is_sure else 2):
        return None
    likely = likeness(track.look, seen.look) if track.look and seen.look else None
    if overlap(box, expected) >= MIN_OVERLAP and (is_sure or likely is None):
        return 1 - distance / 2 + 2 * (likely or 0.0)
    growth = math.sqrt(area(box) / max(1, area(expected)))
    if likely is None or not 1 / MOST_GROWTH <= growth <= MOST_GROWTH:
        return None
    return 1 - distance / 2 + 2 * likely if likely >= (SAME_LOOK if distance <= 1 else SURE_LOOK) else None


def _distance(track: Track, box: Box, now_s: float) -> float:
    """The distance of `box` from where the track is expected or was, divided by the largest distance allowed by now."""
    places = (track.expected(now_s), track.detection.box)  # the face moved on, or stopped or turned back when hidden
    reach = REACH * (1 + max(0.0, now_s - track.placed_s)) * max(1.0, math.sqrt(area(places[0])))
    return min(math.dist(center(box), center(place)) for place in places) / reach


def _crowded(boxes: list[Box]) -> set[int]:
    """The indices of the boxes that overlap another one."""
    pairs = [pair for pair in combinations(range(len(boxes)), 2) if overlap(boxes[pair[0]], boxes[pair[1]]) > CROWDED]
    return {index for pair in pairs for index in pair}


def _sum(one: float | None, other: float | None) -> float:
    return float("-inf") if one is None or other is None else one + other
