"""The table of emotions: word, color and place on the circumplex. Standard library only."""

from typing import NamedTuple


class Emotion(NamedTuple):
    """What is known of an emotion, whichever network reports it."""

    label: str
    """The word, as networks, files and messages spell it."""
    color: str
    """#RRGGBB for boxes, bars and lines: Okabe and Ito's palette (2008), which the color-blind can tell apart."""
    valence: float
    arousal: float
    """Mean pleasure and arousal in [-1, 1], as people rated the terms angry, disgusted, fearful, happy, sad and
    surprised in J. A. Russell and A. Mehrabian, "Evidence for a three-factor theory of emotions", Journal of Research
    in Personality 11 (1977), 273-294; neutral is the origin of the scale."""


EMOTIONS = {
    emotion.label: emotion
    for emotion in (
        Emotion("angry", "#D55E00", -0.51, 0.59),
        Emotion("disgust", "#009E73", -0.60, 0.35),
        Emotion("fear", "#CC79A7", -0.64, 0.60),
        Emotion("happy", "#E69F00", 0.81, 0.51),
        Emotion("neutral", "#8A8F98", 0.0, 0.0),
        Emotion("sad", "#0072B2", -0.63, -0.27),
        Emotion("surprise", "#56B4E9", 0.40, 0.67),
    )
}
"""FER-2013's classes by their labels, in the order of the network's outputs."""
OTHER_COLOR = "#B8BCC4"
"""The color of `uncertain`, and of labels that FER-2013 does not have."""


def color(label: str) -> str:
    """The color of a label, #RRGGBB."""
    return EMOTIONS[label].color if label in EMOTIONS else OTHER_COLOR


def bgr(label: str) -> tuple[int, int, int]:
    """The color of a label as OpenCV wants it: blue, green, red."""
    red, green, blue = bytes.fromhex(color(label)[1:])
    return blue, green, red
