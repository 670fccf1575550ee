"""A stream or film that changes its size, which OpenCV's FFmpeg does not follow.

Where images become larger it gives the last one for ever. Where they become smaller it reads past the end of each row:
what follows there in memory is the beginning of the next row, so rows are equal at one distance, and only there.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.image_watch import same_image
from edge.results import BgrImage

ROWS, PART = 24, 0.25
"""So many rows of the image's upper part are looked at: those are right whatever the new height is."""
STEP, COLUMNS = 16, 3
"""Rows lie in memory at multiples of so many pixels; each third column is enough."""
ASIDE = 2
EQUAL, DIFFERENT, TIMES = 0.2, 0.4, 8.0
"""Most levels by which equal rows differ, and least by which they must differ a little aside of that distance."""
SAMPLES = 32
"""Pixels of a row by which the distance is chosen that is then looked at wholly."""
SAME_IMAGES, LOOK_EVERY = 15, 5
NEAR_S = 2.0


class SizeWatch:
    """Notices in a film that its images have changed their size.

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
        """Whether the film has another size by now; `position_s` is what the capture tells of this image."""
        last, self._last = self._last, image
        self._seen += 1
        if last is None or not same_image(last, image):
            self._same = 0
            return self._seen % LOOK_EVERY == 0 and is_torn(image)
        self._same += 1
        return self._same == SAME_IMAGES and self._looks_different(image, position_s)

    def _looks_different(self, image: BgrImage, position_s: float) -> bool:
        """Whether a decoder that begins here sees something else: a still scene is the same for every decoder."""
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
    """Whether the rows of an image go on with the rows below them."""
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
