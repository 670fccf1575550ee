"""Whether a camera still sees: the same image to the last byte, or blackness for long, is no living camera."""

import numpy as np
from numpy.typing import NDArray

from edge.results import BgrImage

FROZEN_S, FROZEN_IMAGES = 5.0, 10
"""A sensor's noise changes each image: so many of the same, for so long, are one that froze."""
DARK_S = 60.0
DARK_MEAN, DARK_BRIGHT = 16.0, 40
"""An image is black whose mean is below the first, and of which only one pixel of a hundred is above the second."""
STEP = 8
"""Each eighth pixel tells most images apart; only what looks the same is compared wholly."""


class ImageWatch:
    """Judges the images of one live source, one after the other, also from one opening of it to the next."""

    def __init__(self) -> None:
        self.state = "online"
        """online, frozen or dark."""
        self.reason = ""
        self.same_s = 0.0
        """How long the image has been the same."""
        self._last: BgrImage | None = None
        self._sample: NDArray[np.uint8] | None = None
        self._same_since_s = 0.0
        self._same = 0
        self._dark_since_s: float | None = None

    def see(self, image: BgrImage, now_s: float) -> str:
        """Take in an image that came at `now_s`; the state from now on."""
        sample = image[::STEP, ::STEP]
        if self._is_same(image, sample):
            self._same += 1
        else:
            self._same, self._same_since_s = 0, now_s
            self._last, self._sample = image, sample
        self.same_s = now_s - self._same_since_s
        is_dark = float(sample.mean()) < DARK_MEAN and float(np.percentile(sample, 99)) <= DARK_BRIGHT
        self._dark_since_s = (now_s if self._dark_since_s is None else self._dark_since_s) if is_dark else None
        self._judge(now_s)
        return self.state

    def _judge(self, now_s: float) -> None:
        if self.same_s >= FROZEN_S and self._same >= FROZEN_IMAGES:
            self.state, self.reason = "frozen", f"the same image to the last byte for {self.same_s:.0f} s"
        elif self._dark_since_s is not None and now_s - self._dark_since_s >= DARK_S:
            self.state, self.reason = "dark", f"nothing but black for {now_s - self._dark_since_s:.0f} s"
        else:
            self.state, self.reason = "online", ""

    def _is_same(self, image: BgrImage, sample: NDArray[np.uint8]) -> bool:
        if self._last is None or self._sample is None or self._last.shape != image.shape:
            return False
        return np.array_equal(sample, self._sample) and np.array_equal(image, self._last)
