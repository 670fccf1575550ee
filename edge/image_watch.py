"""Whether a camera still works: one that repeats an image byte for byte, or stays black for long, does not."""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.results import BgrImage, CameraState

FROZEN_S, FROZEN_IMAGES = 4.0, 10
"""So many identical images over so many seconds mean a frozen camera: a sensor's noise makes each image different."""
STUCK_S, REOPEN_S = 2.0, 20.0
"""Seconds after which a source that repeats an image is reopened: one with FFmpeg's decoder, which gets stuck when the
size changes, and any other."""
DARK_S = 4.0
DARK_MEAN, DARK_BRIGHT, DARK_SHARE = 16.0, 40, 0.01
"""An image is black if its mean is below the first, and less than the third (a share) of it is above the second."""
STEP = 8
"""Only every eighth pixel is looked at to see whether an image is black."""
ROWS = 64
"""Every 64th row is compared first."""


class ImageWatch:
    """Watches the images of one live source; its memory outlasts a reopening of the source.

    Args:
        frozen_s, dark_s: how long the same image, or a black one, may last, if not the default: somebody who watches
            should be told sooner than a log.
    """

    def __init__(self, frozen_s: float | None = None, dark_s: float | None = None) -> None:
        self.state = CameraState.ONLINE
        """The camera's state: online, frozen or dark."""
        self.reason = ""
        self._frozen_s, self._dark_s = frozen_s or FROZEN_S, dark_s or DARK_S
        self._last: BgrImage | None = None
        self._same_since_s = 0.0
        self._same = 0
        self._reopen_after_s = 0.0
        self._dark_since_s: float | None = None

    def see(self, image: BgrImage, now_s: float) -> CameraState:
        """Take in an image that came at `now_s`, and return the camera's state."""
        sample = np.ascontiguousarray(image[::STEP, ::STEP])
        if self._last is not None and same_image(self._last, image):
            self._same += 1
        else:
            self._same, self._same_since_s, self._reopen_after_s = 0, now_s, 0.0
            self._last = image
        if not _is_black(sample):
            self._dark_since_s = None
        elif self._dark_since_s is None:
            self._dark_since_s = now_s
        self._judge(now_s, sample)
        return self.state

    def wants_reopening(self, now_s: float, decoder_sticks: bool) -> bool:
        """Whether reopening the source may help; after a yes, the next one comes only after five times as long."""
        after_s = self._reopen_after_s or (STUCK_S if decoder_sticks else REOPEN_S)
        if self._same < FROZEN_IMAGES or now_s - self._same_since_s < after_s:
            return False
        self._reopen_after_s = 5 * after_s
        return True

    def _judge(self, now_s: float, sample: NDArray[np.uint8]) -> None:
        same_s = now_s - self._same_since_s
        if same_s >= self._frozen_s and self._same >= FROZEN_IMAGES:
            black = ", and it is black" if _is_black(sample) else ""
            self.state, self.reason = CameraState.FROZEN, f"the same image to the last byte for {same_s:.0f} s{black}"
        elif self._dark_since_s is not None and now_s - self._dark_since_s >= self._dark_s:
            self.state, self.reason = CameraState.DARK, f"nothing but black for {now_s - self._dark_since_s:.0f} s"
        else:
            self.state, self.reason = CameraState.ONLINE, ""


def same_image(one: BgrImage, other: BgrImage) -> bool:
    """Whether two images are identical; comparing a few rows first tells most apart quickly."""
    return np.array_equal(one[::ROWS], other[::ROWS]) and np.array_equal(one, other)


def _is_black(sample: NDArray[np.uint8]) -> bool:
    return (
        cv2.mean(sample.reshape(-1, 1))[0] < DARK_MEAN
        and np.count_nonzero(sample > DARK_BRIGHT) < DARK_SHARE * sample.size
    )
