"""Detects a new scene: a cut, or a camera that was turned. The known places of faces then mean nothing."""

import enum

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.results import GrayImage

CELLS = (32, 24)
"""Images are compared as a grid of this many cells (width, height): movement within a cell does not count."""
SAMPLES = 160
"""How many pixels of a row are looked at."""
TOLERANCE = 0.35
"""How far a cell may leave the range of its old neighborhood, in standard deviations of the image."""
CHANGED_CELLS = 0.3
"""Share of changed cells that makes a new scene. Nearly all measured cuts have more, even with a face in place.
A face a third as high as the image, moving by half its width, has at most 0.10; the demo at 2 images per second 0.2."""
UNLIKE = 0.5
"""Correlation with the old image below which the scene is new: switching on a lamp changes less."""


class SceneChange(enum.Enum):
    """How the scene changed."""

    NONE = "none"
    DRIFT = "drift"
    """The scene has become a new one little by little, as when a camera turns slowly."""
    CUT = "cut"
    """The scene changed from one image to the next."""


class SceneChangeDetector:
    """Compares each image with the last one, and with the first one of its scene."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._first: NDArray[np.float32] | None = None
        self._size: tuple[int, ...] = ()

    def update(self, gray: GrayImage) -> SceneChange:
        """Take the next image and return what changed; an image of another size is a new scene."""
        last, size = self._last, self._size
        self._last, self._size = _coarse(gray), gray.shape
        if last is None or self._first is None or size != gray.shape or _is_another(last, self._last):
            self._first = self._last
            return SceneChange.NONE if last is None else SceneChange.CUT
        if _is_another(self._first, self._last):
            self._first = self._last
            return SceneChange.DRIFT
        return SceneChange.NONE


def _coarse(gray: GrayImage) -> NDArray[np.float32]:
    """The image as a coarse grid with mean 0 and standard deviation 1, so that brightness and contrast don't count."""
    step = max(1, gray.shape[1] // SAMPLES)
    cells = cv2.resize(np.ascontiguousarray(gray[::step, ::step]), CELLS, interpolation=cv2.INTER_AREA)
    mean, deviation = (float(value) for value in np.ravel(cv2.meanStdDev(cells)))
    return (cells.astype(np.float32) - np.float32(mean)) / np.float32(deviation + 4)


def _is_another(old: NDArray[np.float32], new: NDArray[np.float32]) -> bool:
    if float(np.vdot(old, new)) > UNLIKE * cv2.norm(old) * cv2.norm(new):
        return False
    around = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(old, around) - TOLERANCE, cv2.dilate(old, around) + TOLERANCE
    return float(((new < low) | (new > high)).mean()) > CHANGED_CELLS
