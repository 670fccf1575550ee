"""Smooths a face's scores over time, and keeps its label from flickering."""

import math

import numpy as np

from edge.results import Probabilities


class Smoother:
    """An exponential mean of one face's scores, and a label that changes only for a clear winner.

    The weight of a frame depends on the time since the last one, so that the frame rate does not matter.
    """

    def __init__(self, smoothing_s: float, hysteresis: float, threshold: float) -> None:
        self._smoothing_s = smoothing_s
        self._hysteresis = hysteresis
        self._threshold = threshold
        self._mean: Probabilities | None = None
        self._shown: int | None = None
        self._updated_s = 0.0

    def update(self, probabilities: Probabilities, now_s: float) -> None:
        """Take in the probabilities of a frame captured at `now_s`."""
        if self._mean is None or self._smoothing_s == 0:
            self._mean = probabilities.copy()
        else:
            weight = 1 - math.exp(-max(0.0, now_s - self._updated_s) / self._smoothing_s)
            self._mean += weight * (probabilities - self._mean)
        self._updated_s = now_s
        self._choose(int(np.argmax(self._mean)), self._mean)

    @property
    def values(self) -> tuple[float, ...]:
        """The smoothed scores; they sum to 1. Empty before the first update."""
        return () if self._mean is None else tuple(float(value) for value in self._mean)

    @property
    def shown(self) -> int | None:
        """The index of the label to show; None if uncertain."""
        return self._shown

    def _choose(self, best: int, mean: Probabilities) -> None:
        """Change the label only if another leads by the hysteresis, or the best falls that far below the threshold."""
        margin = self._hysteresis if self._smoothing_s else 0.0
        if self._shown is not None and best != self._shown and mean[best] - mean[self._shown] < margin:
            best = self._shown
        limit = self._threshold - (0.0 if self._shown is None else margin)
        self._shown = best if mean[best] >= limit else None
