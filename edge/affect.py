"""What probabilities say beyond a label: certainty, valence, arousal and intensity. Pure functions."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from edge.model_info import PEOPLE
from edge.results import EmotionScores

CIRCUMPLEX = {
    "angry": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happy": (0.81, 0.51),
    "neutral": (0.0, 0.0),
    "sad": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
}
"""Label to mean (pleasure, arousal) in [-1, 1], as people rated the terms angry, disgusted, fearful, happy, sad and
surprised in J. A. Russell and A. Mehrabian, "Evidence for a three-factor theory of emotions", Journal of Research in
Personality 11 (1977), 273-294; neutral is the origin of the scale."""


class Affect(NamedTuple):
    """A place on the circumplex."""

    valence: float
    arousal: float
    intensity: float
    """Distance from neutral in [0, 1]: R. Reisenzein, "Pleasure-arousal theory and the intensity of emotions", 1994."""


def certainty(values: Sequence[float]) -> float:
    """1 minus the entropy of the probabilities over its maximum: 0 knows nothing, 1 is sure."""
    entropy = -sum(value * math.log(value) for value in values if value > 0)
    return min(1.0, max(0.0, 1 - entropy / math.log(len(values))))


def in_words(scores: EmotionScores, head: str) -> str:
    """What the best score says, as a sentence: '8 of 10 people would say happy'."""
    if head == PEOPLE:
        return f"{round(10 * scores.confidence)} of 10 people would say {scores.emotion}"
    return f"{scores.emotion} with a probability of {scores.confidence:.0%}"


def affect(labels: Sequence[str], values: Sequence[float]) -> Affect:
    """The mean of the labels' coordinates, weighted by probability; a label without coordinates counts as neutral."""
    places = [CIRCUMPLEX.get(label, (0.0, 0.0)) for label in labels]
    valence = sum(value * place[0] for value, place in zip(values, places, strict=True))
    arousal = sum(value * place[1] for value, place in zip(values, places, strict=True))
    return Affect(valence, arousal, min(1.0, math.hypot(valence, arousal)))
