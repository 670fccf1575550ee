"""Tells when the scene is another one: a cut, or a camera that was turned. Places of faces then mean nothing."""

import enum

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.results import GrayImage

CELLS = (32, 24)
"""The image is compared as so few cells (width, height): what moves within one is no change."""
SAMPLES = 160
"""Pixels of a row that are looked at."""
TOLERANCE = 0.35
"""Standard deviations of the image by which a cell may leave the range of its old surroundings."""
CHANGED_CELLS = 0.3
"""Share of changed cells of another scene. Measured: nearly all cuts have more, also with a face at the same place; a
face of a third of the image's height that moves by half its width 0.10 at most, the demo at 2 images per second 0.2."""
UNLIKE = 0.5
"""Correlation with the old image below which a scene is another one: a lamp that is switched on changes less."""


class SceneChange(enum.Enum):
    """What became of the scene."""

    NONE = "none"
    DRIFT = "drift"
    """Little by little it has become another one, as when a camera turns slowly."""
    CUT = "cut"
    """From one image to the next."""


class SceneChangeDetector:
    """Compares each image with the last one, and with the first one of its scene."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._first: NDArray[np.float32] | None = None
        self._size: tuple[int, ...] = ()

    def update(self, gray: GrayImage) -> SceneChange:
        """What happened between the last image and this one; images of another size are another scene."""
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
    """The image in few cells, with mean 0 and deviation 1, so that brightness and contrast don't count."""
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
