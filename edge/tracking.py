"""Who is who from frame to frame, and one smoothed emotion for each."""

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
"""Intersection over union from which a detection is the same face."""
KEEP_S = 0.4
"""How long a face that detectors miss, but that can still be followed, stays in view."""
FORGET_S = 3.0
"""How long an identity outlives several missed detections: somebody may have stepped in front of it."""
FORGET_RARE_S = 10.0
"""How long it outlives a single one, where detections are rare, or a pause of the camera."""
SURE_S = 1.0
"""A face that was nowhere for longer is known again by its looks, not only by its place."""
SAME_LOOK = 0.55
"""Likeness from which a face that was lost is the same. Measured on 60 photographs: displaced views of one person have
0.73 and more; 1 of 20 pairs of two persons more than 0.61, 1 of 100 more than 0.69."""
SURE_LOOK = 0.8
"""Likeness from which it is the same even twice as far away: of the 1,770 pairs of two persons one has it."""
REACH = 1.0
"""Sides of its box by which a face may be away from where it is expected, and as many more in each second unseen."""
MOST_GROWTH = 1.7
"""Factor by which its side may differ from when it was last seen."""
CROWDED = 0.05
"""Overlap of two boxes from which nobody can tell whose pixels are whose."""
COAST_S = 1.0
"""How long a face is expected to move on as before."""
VELOCITY_S = 0.2
"""Time constant of its velocity."""
CROWDED_VELOCITY_S = 1.0
"""The same beside another face, where boxes are less sure."""
HEAD = 1.4
"""How much larger than the box of its face a head is: heads cover each other before their faces' boxes meet."""
QUALITY_HYSTERESIS = 0.05
"""By which the quality must exceed the limit before a label is shown again."""


@dataclass
class Track:
    """A face that is followed."""

    track_id: int
    detection: Detection
    seen_s: float
    """When a detector last saw it."""
    smoother: Smoother
    look: Look | None = None
    """How it looked when nobody was in front of it."""
    placed_s: float = 0.0
    """Since when it is where its box is."""
    seen_at: tuple[float, float] = (0.0, 0.0)
    """The centre of its box when a detector last saw it."""
    velocity: tuple[float, float] = (0.0, 0.0)
    """Of its centre, in pixels per second."""
    visible: bool = True
    """False while it is missed."""
    behind: bool = False
    """Somebody was in front of it when it was missed."""
    lost: bool = False
    """It could not be followed since it was last seen."""
    missed: int = 0
    """How many detections have not found it since it was last seen."""
    tilt_degrees: float = 0.0
    """How far the head was turned when a detector last saw it."""
    pose: float = 1.0
    """`pose_quality` when a detector last saw it."""
    quality: float = 1.0
    """The smoothed quality of its views, in [0, 1]."""
    judged_s: float | None = None
    """When its quality was last measured."""
    is_worth: bool = True
    """Whether its quality is good enough for a label."""

    def see(self, detection: Detection, look: Look | None, now_s: float, is_crowded: bool = False) -> None:
        """Take over what a detector saw; where another head may cover it, its looks and its speed are not trusted."""
        place = center(detection.box)
        self._learn_velocity(place, now_s, CROWDED_VELOCITY_S if is_crowded else VELOCITY_S)
        self.detection, self.seen_s, self.placed_s, self.seen_at = detection, now_s, now_s, place
        self.tilt_degrees, self.pose = detection.tilt_degrees, pose_quality(detection.points)
        self.look = self.look if is_crowded and self.look else look or self.look
        self.visible, self.behind, self.lost, self.missed = True, False, False, 0

    def place(self, box: Box, now_s: float) -> None:
        """It was followed to `box`."""
        self.detection, self.placed_s = replace(self.detection, box=box, points=()), now_s

    def expected(self, now_s: float) -> Box:
        """Where it should be now if it went on as before, but for no longer than `COAST_S`."""
        box, seconds = self.detection.box, min(max(0.0, now_s - self.placed_s), COAST_S)
        step_x, step_y = (round(speed * seconds) for speed in self.velocity)
        return box._replace(x=box.x + step_x, y=box.y + step_y)

    def is_known(self, now_s: float) -> bool:
        """Whether its identity is still kept."""
        return now_s - self.seen_s <= (FORGET_S if self.missed > 1 else FORGET_RARE_S)

    def is_sure(self, now_s: float) -> bool:
        """Whether its place is enough to say who it is: it was followed without a gap."""
        return self.visible and not self.lost and now_s - self.placed_s <= SURE_S

    def judge(self, quality: float, config: EdgeConfig, now_s: float) -> None:
        """Take in the quality of a view, smoothed as the scores are: one blurred frame is no reason to doubt."""
        if self.judged_s is None or config.smoothing_s == 0:
            self.quality = quality
        else:
            weight = 1 - math.exp(-max(0.0, now_s - self.judged_s) / config.smoothing_s)
            self.quality += weight * (quality - self.quality)
        self.judged_s = now_s
        limit = config.min_quality if self.is_worth else min(1.0, config.min_quality + QUALITY_HYSTERESIS)
        self.is_worth = self.quality >= limit

    def face(self, labels: tuple[str, ...]) -> Face:
        """What the world is told about this face."""
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
    """Gives every face an identity that survives missed detections, and people who pass in front of each other.

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
        """Where the known faces should be that are not in the image now: somebody may be in front of them."""
        return [track.expected(now_s) for track in self._hidden if now_s - track.seen_s <= FORGET_S]

    def update(self, detections: list[Detection], now_s: float, image: BgrImage | None = None) -> list[Track]:
        """Join a detector's faces with the known ones."""
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
        """Move the visible faces, in order, to `boxes`; one whose box is None stays where it was.

        Faces that overlap move on as before: what is followed there may be the other one.
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
        """Give up the identities of faces that left the image: places mean nothing. Those behind somebody stay."""
        self._tracks = [track for track in self._tracks if track.visible or track.behind]

    @property
    def _hidden(self) -> list[Track]:
        return [track for track in self._tracks if not track.visible]

    def _miss(self, matched: set[int], detections: list[Detection], now_s: float) -> None:
        """What becomes of the tracks that no detection belongs to: one behind another face is hidden at once."""
        for row, track in enumerate(self._tracks):
            if row in matched:
                continue
            box = track.expected(now_s)
            track.behind = track.behind or any(overlap(box, found.box) > CROWDED for found in detections)
            track.visible = track.visible and not track.lost and not track.behind and now_s - track.seen_s <= KEEP_S
            track.missed += 1

    def _may_be_hidden(self, seen: "_Seen", now_s: float) -> bool:
        """Whether a half covered face may be a known one that comes back: then one waits until it is seen clearly."""
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
    """Pairs (row, column) of high affinity, each row and column at most once; None never pairs.

    The best pair comes first; then two pairs exchange partners where that is better for both together.
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
    """How well a detection fits a track, by place and looks; None if it can't be the same face."""
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
    """How far `box` is from where the track is expected, or was, as a share of how far it may be by now."""
    places = (track.expected(now_s), track.detection.box)  # it went on, or stopped or turned back behind somebody
    reach = REACH * (1 + max(0.0, now_s - track.placed_s)) * max(1.0, math.sqrt(area(places[0])))
    return min(math.dist(center(box), center(place)) for place in places) / reach


def _crowded(boxes: list[Box]) -> set[int]:
    """The boxes that overlap another one."""
    pairs = [pair for pair in combinations(range(len(boxes)), 2) if overlap(boxes[pair[0]], boxes[pair[1]]) > CROWDED]
    return {index for pair in pairs for index in pair}


def _sum(one: float | None, other: float | None) -> float:
    return float("-inf") if one is None or other is None else one + other
