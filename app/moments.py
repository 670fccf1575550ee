"""What was measured of people over time; where nothing was measured, there is a gap."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from edge.results import UNCERTAIN, Face

MOST_POINTS = 3000
"""The most results of one person that are drawn as single points; if there are more, a point is the mean of several."""
LEAST_GAP_S = 1.0
"""A pause of the camera longer than this leaves a gap, however few frames were lost."""


@dataclass(frozen=True)
class Moment:
    """The result for one person at one time."""

    at_s: float
    emotion: str
    scores: Mapping[str, float]
    valence: float = 0.0
    arousal: float = 0.0


Stretch: TypeAlias = list[Moment]
"""Moments without a gap between them."""


@dataclass(frozen=True)
class Timeline:
    """Everybody over a whole recording."""

    length_s: float = 0.0
    step_s: float = 0.0
    """The usual time between two results."""
    people: Mapping[int, Sequence[Stretch]] = field(default_factory=dict)
    merged: int = 1
    """How many results a point is the mean of."""

    def seconds_of(self, track_id: int) -> float:
        """How long a person was in view."""
        return sum(part[-1].at_s - part[0].at_s + self.step_s for part in self.people[track_id])

    def shares_of(self, track_id: int) -> dict[str, float]:
        """The share of each emotion that a person showed, `uncertain` included, the most frequent first."""
        return shares(moment.emotion for part in self.people[track_id] for moment in part)


def moment_of(face: Face, at_s: float) -> Moment:
    """What is known of a face at a time."""
    return Moment(at_s, face.emotion, face.scores.as_dict(), face.valence, face.arousal)


def shares(emotions: Iterable[str]) -> dict[str, float]:
    """The share of each word, the most frequent first."""
    counts = Counter(emotions)
    return {emotion: count / counts.total() for emotion, count in counts.most_common()}


def split(moments: Sequence[Moment], most_gap_s: float) -> list[Stretch]:
    """Split the moments wherever two are more than `most_gap_s` apart."""
    parts: list[Stretch] = []
    for moment in moments:
        if not parts or moment.at_s - parts[-1][-1].at_s > most_gap_s:
            parts.append([])
        parts[-1].append(moment)
    return parts


def timeline(times_s: Sequence[float], people: Mapping[int, Sequence[tuple[int, Moment]]]) -> Timeline:
    """Make the timeline of a recording.

    Args:
        times_s: the time of each result, including those without a face.
        people: for each identity, the index of each result that shows the person, and what it says.
    """
    if not times_s:
        return Timeline()
    steps = sorted(later - earlier for earlier, later in itertools.pairwise(times_s))
    step_s = steps[len(steps) // 2] if steps else 0.04
    merged = max(1, math.ceil(max(map(len, people.values()), default=0) / MOST_POINTS))
    stretches = {who: _merge(_stretches(found, step_s), merged) for who, found in sorted(people.items())}
    return Timeline(times_s[-1] + step_s, step_s * merged, stretches, merged)


def _stretches(found: Sequence[tuple[int, Moment]], step_s: float) -> list[Stretch]:
    """Split a person's moments where a result lacks the person, or where the camera paused."""
    parts: list[Stretch] = []
    last = -2
    for number, moment in found:
        pause_s = moment.at_s - parts[-1][-1].at_s if parts else 0.0
        if number != last + 1 or pause_s > max(LEAST_GAP_S, 3 * step_s):
            parts.append([])
        parts[-1].append(moment)
        last = number
    return parts


def _merge(parts: Iterable[Stretch], count: int) -> list[Stretch]:
    if count == 1:
        return list(parts)
    return [[_mean(part[start : start + count]) for start in range(0, len(part), count)] for part in parts]


def _mean(part: Stretch) -> Moment:
    """The mean of some moments, with their most frequent label."""
    size = len(part)
    return Moment(
        part[0].at_s,
        Counter(moment.emotion for moment in part).most_common(1)[0][0],
        {label: sum(moment.scores[label] for moment in part) / size for label in part[0].scores},
        sum(moment.valence for moment in part) / size,
        sum(moment.arousal for moment in part) / size,
    )


def clock(seconds: float) -> str:
    """A time as a video player shows it: 1:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def is_uncertain(moment: Moment) -> bool:
    """Whether no emotion was shown."""
    return moment.emotion == UNCERTAIN
