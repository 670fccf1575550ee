"""What is measured of people over time, and nothing else: where nothing was measured, there is a gap."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from edge.results import UNCERTAIN, Face

MOST_POINTS = 3000
"""Results of one person that are drawn one by one; of more, each point is the mean of several."""
LEAST_GAP_S = 1.0
"""A camera that gives nothing for longer leaves a gap, however few frames were lost."""


@dataclass(frozen=True)
class Moment:
    """One person at one time."""

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
    """From one result to the next, usually."""
    people: Mapping[int, Sequence[Stretch]] = field(default_factory=dict)
    merged: int = 1
    """How many results one point is the mean of."""

    def seconds_of(self, track_id: int) -> float:
        """How long somebody was in view."""
        return sum(part[-1].at_s - part[0].at_s + self.step_s for part in self.people[track_id])

    def shares_of(self, track_id: int) -> dict[str, float]:
        """How often somebody showed each emotion, uncertain included; most often first."""
        return shares(moment.emotion for part in self.people[track_id] for moment in part)


def moment_of(face: Face, at_s: float) -> Moment:
    """What is known of a face."""
    return Moment(at_s, face.emotion, face.scores.as_dict(), face.valence, face.arousal)


def shares(emotions: Iterable[str]) -> dict[str, float]:
    """The share of each word, most often first."""
    counts = Counter(emotions)
    return {emotion: count / counts.total() for emotion, count in counts.most_common()}


def split(moments: Sequence[Moment], most_gap_s: float) -> list[Stretch]:
    """The moments, parted where more time than `most_gap_s` lies between two."""
    parts: list[Stretch] = []
    for moment in moments:
        if not parts or moment.at_s - parts[-1][-1].at_s > most_gap_s:
            parts.append([])
        parts[-1].append(moment)
    return parts


def timeline(times_s: Sequence[float], people: Mapping[int, Sequence[tuple[int, Moment]]]) -> Timeline:
    """Everybody's stretches.

    Args:
        times_s: when each result was, those without a face too.
        people: by identity, the numbers of the results that somebody is in, and what they say.
    """
    if not times_s:
        return Timeline()
    steps = sorted(later - earlier for earlier, later in itertools.pairwise(times_s))
    step_s = steps[len(steps) // 2] if steps else 0.04
    merged = max(1, math.ceil(max(map(len, people.values()), default=0) / MOST_POINTS))
    stretches = {who: _merge(_stretches(found, step_s), merged) for who, found in sorted(people.items())}
    return Timeline(times_s[-1] + step_s, step_s * merged, stretches, merged)


def _stretches(found: Sequence[tuple[int, Moment]], step_s: float) -> list[Stretch]:
    """A result without this person parts the line, and so does a pause of the camera."""
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
    """The mean of some moments, with the word that they had most often."""
    size = len(part)
    return Moment(
        part[0].at_s,
        Counter(moment.emotion for moment in part).most_common(1)[0][0],
        {label: sum(moment.scores[label] for moment in part) / size for label in part[0].scores},
        sum(moment.valence for moment in part) / size,
        sum(moment.arousal for moment in part) / size,
    )


def clock(seconds: float) -> str:
    """A time as a player shows it: 1:05, or 0.4 s of a short film."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def is_uncertain(moment: Moment) -> bool:
    """Whether no emotion is told."""
    return moment.emotion == UNCERTAIN
