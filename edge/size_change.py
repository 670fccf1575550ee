"""Detects a stream or film that changes its image size, which OpenCV's FFmpeg does not follow.

If images become larger, OpenCV repeats the last one for ever. If they become smaller, it reads past the end of each
row: in memory the next row follows there, so neighboring rows are equal when shifted by one certain distance.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.image_watch import same_image
from edge.results import BgrImage

ROWS, PART = 24, 0.25
"""How many rows are looked at, in this upper part of the image: it is valid whatever the new height is."""
STEP, COLUMNS = 16, 3
"""Rows start in memory at multiples of this many pixels; it is enough to look at every third column."""
ASIDE = 2
EQUAL, DIFFERENT, TIMES = 0.2, 0.4, 8.0
"""Equal rows differ by at most the first, in gray levels; shifted slightly further, they must differ by the second."""
SAMPLES = 32
"""How many pixels of a row serve to choose the distance, before all of them are compared."""
SAME_IMAGES, LOOK_EVERY = 15, 5
NEAR_S = 2.0


class SizeWatch:
    """Notices that the images of a film have changed their size.

    Usage:
        watch = SizeWatch(lambda: cv2.VideoCapture("film.webm", cv2.CAP_FFMPEG))
        if watch.sees_change(image, position_s):
            ...
    """

    def __init__(self, open_again: Callable[[], cv2.VideoCapture]) -> None:
        self._open_again = open_again
        self._last: BgrImage | None = None
        self._same = self._seen = 0

    def sees_change(self, image: BgrImage, position_s: float) -> bool:
        """Whether the film's size has changed by now; `position_s` is the capture's position of this image."""
        last, self._last = self._last, image
        self._seen += 1
        if last is None or not same_image(last, image):
            self._same = 0
            return self._seen % LOOK_EVERY == 0 and is_torn(image)
        self._same += 1
        return self._same == SAME_IMAGES and self._looks_different(image, position_s)

    def _looks_different(self, image: BgrImage, position_s: float) -> bool:
        """Whether a new decoder that starts here sees something else: in a still scene it would see the same."""
        capture = self._open_again()
        try:
            capture.set(cv2.CAP_PROP_POS_MSEC, position_s * 1000)
            if not capture.grab() or abs(_told_s(capture) - position_s) > NEAR_S:
                return False
            ok, other = capture.retrieve()
            return ok and not np.array_equal(other, image)
        finally:
            capture.release()


def is_torn(image: BgrImage) -> bool:
    """Whether the end of each row is the beginning of the next one: the sign of images that became smaller."""
    height, width = image.shape[:2]
    places = np.linspace(1, PART * height, ROWS).astype(int)
    rows, below = _luma(image[places]), _luma(image[places + 1])

    def apart(shift: int) -> float:
        return float(np.abs(rows[:, shift::COLUMNS] - below[:, : width - shift : COLUMNS]).mean())

    shifts = np.arange(4 * STEP, width - 4 * STEP, STEP)
    if not len(shifts):
        return False
    some = (np.linspace(0, 1, SAMPLES, endpoint=False) * (width - shifts)[:, np.newaxis]).astype(int)
    differences = np.abs(rows[:, some + shifts[:, np.newaxis]] - below[:, some])
    best = int(shifts[differences.mean(axis=(0, 2)).argmin()])
    equal, others = apart(best), (apart(best - ASIDE), apart(best + ASIDE), apart(0))
    return equal < EQUAL and min(others) > max(DIFFERENT, TIMES * equal)


def _told_s(capture: cv2.VideoCapture) -> float:
    return capture.get(cv2.CAP_PROP_POS_MSEC) / 1000


def _luma(rows: NDArray[np.uint8]) -> NDArray[np.int16]:
    return cv2.cvtColor(rows, cv2.COLOR_BGR2YUV)[:, :, 0].astype(np.int16)
