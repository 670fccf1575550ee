"""What probabilities say beyond a label: certainty, valence, arousal and intensity. Pure functions."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from edge.emotions import EMOTIONS
from edge.model_info import PEOPLE
from edge.results import EmotionScores


class Affect(NamedTuple):
    """A place on the circumplex."""

    valence: float
    arousal: float
    intensity: float
    """Distance from neutral in [0, 1]: R. Reisenzein, "Pleasure-arousal theory and the intensity of emotions", 1994."""


def certainty(values: Sequence[float]) -> float:
    """1 minus the normalized entropy of the probabilities: 0 if all labels are equally likely, 1 if one is sure."""
    entropy = -sum(value * math.log(value) for value in values if value > 0)
    return min(1.0, max(0.0, 1 - entropy / math.log(len(values))))


def in_words(scores: EmotionScores, head: str) -> str:
    """What the best score says, as a sentence: '8 of 10 people would say happy'."""
    if head == PEOPLE:
        return f"{round(10 * scores.confidence)} of 10 people would say {scores.emotion}"
    return f"{scores.emotion} with a probability of {scores.confidence:.0%}"


def affect(labels: Sequence[str], values: Sequence[float]) -> Affect:
    """The mean of the labels' coordinates, weighted by probability; a label without coordinates counts as neutral."""
    known = [(value, EMOTIONS[label]) for label, value in zip(labels, values, strict=True) if label in EMOTIONS]
    valence = sum(value * emotion.valence for value, emotion in known)
    arousal = sum(value * emotion.arousal for value, emotion in known)
    return Affect(valence, arousal, min(1.0, math.hypot(valence, arousal)))
