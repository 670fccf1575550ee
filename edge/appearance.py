"""What a face looks like, as a tiny image, so that it is recognized after somebody has passed in front of it.

A look is not a portrait: it has 16x16 pixels, is held in memory as long as the identity, and is never written anywhere.
"""

from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.preprocess import to_gray
from edge.results import BgrImage, Box

SIDE = 16
SHIFT = 2
"""How many pixels of the small image two looks may be displaced by: a detector's boxes jitter."""

Thumbnail: TypeAlias = NDArray[np.float32]
"""(SIDE, SIDE), gray."""


class Look(NamedTuple):
    """The small image of a face, and its mean color (blue, green, red)."""

    thumbnail: Thumbnail
    color: NDArray[np.float32]


def look_at(image: BgrImage, box: Box) -> Look | None:
    """The look of the face in `box`; None if the box lies outside the image."""
    left, top = max(0, box.x), max(0, box.y)
    face = image[top : max(0, box.y + box.height), left : max(0, box.x + box.width)]
    if face.size == 0:
        return None
    small: BgrImage = cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    color = small.reshape(SIDE * SIDE, -1).mean(axis=0, dtype=np.float32)
    return Look(to_gray(small).astype(np.float32), color)


def likeness(one: Look, other: Look) -> float:
    """How alike two looks are: 1 is identical, below about 0.6 they are two people.

    It is the best correlation of the inner parts over small shifts, which ignores the light, minus the difference of
    the mean colors: a quarter of the full range costs as much as a quarter of the correlation.
    """
    inner = other.thumbnail[SHIFT:-SHIFT, SHIFT:-SHIFT]
    correlation = cv2.matchTemplate(one.thumbnail, inner, cv2.TM_CCOEFF_NORMED).max()
    return float(correlation - np.abs(one.color - other.color).mean() / 255)
