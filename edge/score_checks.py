"""Checks that scores look like a softmax over different faces: a network that learned nothing is refused."""

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.results import FaceInput, Probabilities

SUM_TOLERANCE = 0.05
"""How far a sum of scores may be from 1: scores stored in bytes are rounded."""


def check_finite(scores: Probabilities, what: object) -> None:
    """Raise a ModelError if a score is NaN or infinite: nothing could use it, least of all JSON."""
    if not np.isfinite(scores).all():
        count = int((~np.isfinite(scores)).any(-1).sum())
        raise ModelError(
            f"Expected finite scores of {what}. Received: NaN or infinity for {count} of {len(scores)} faces"
        )


def check_scores(scores: Probabilities, what: object) -> None:
    """Raise a ModelError unless the scores (faces, labels) are finite, sum to 1 and differ between these faces."""
    check_finite(scores, what)
    sums = scores.sum(1)
    if np.abs(sums - 1).max() > SUM_TOLERANCE:
        raise ModelError(
            f"Expected scores of {what} that sum to 1. Received: sums from {sums.min():.3g} to {sums.max():.3g}"
        )
    if not np.ptp(scores, axis=0).any():
        shown = ", ".join(f"{score:.3g}" for score in scores[0])
        raise ModelError(f"Expected scores of {what} that change with the image. Received: always {shown}")


def varied_faces(shape: tuple[int, int, int]) -> FaceInput:
    """Eight very different uint8 images (8, height, width, channels): a working network scores them differently."""
    height, width, channels = shape
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    noise = np.random.default_rng(0).random((height, width))
    disc = ((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1).astype(float)
    planes = (np.zeros_like(x), np.ones_like(x), x, y, noise, disc, 1 - disc, (x * 8 % 1 > 0.5) * 0.8)
    gray: NDArray[np.uint8] = np.round(255 * np.stack(planes)).astype(np.uint8)
    return np.repeat(gray[..., np.newaxis], channels, axis=-1)
