"""Measures of a classifier: pure functions of probabilities (n, labels) and true labels (n,). NumPy only."""

from collections.abc import Callable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from edge.results import Probabilities

Labels = NDArray[np.int64]
SMALLEST = 1e-6
"""Smaller probabilities are raised to this, since int8 outputs contain exact zeros."""


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of rows in which the label has the largest probability."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def wilson_interval(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95% confidence interval of a share (Wilson 1927)."""
    center = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, center - half), min(1.0, center + half)


def confusion_matrix(probabilities: Probabilities, labels: Labels) -> NDArray[np.int64]:
    """Counts (labels, labels): rows are true classes, columns predicted ones."""
    size = probabilities.shape[1]
    return np.bincount(labels * size + probabilities.argmax(axis=1), minlength=size * size).reshape(size, size)


def recall_by_class(probabilities: Probabilities, labels: Labels, names: Sequence[str]) -> dict[str, float]:
    """The recall of each class that occurs in `labels`."""
    matrix = confusion_matrix(probabilities, labels)
    return {
        name: float(row[i] / row.sum()) for i, (name, row) in enumerate(zip(names, matrix, strict=True)) if row.sum()
    }


def macro_f1(probabilities: Probabilities, labels: Labels) -> float:
    """The mean over all classes of F1, the harmonic mean of precision and recall; a class never found has 0."""
    matrix = confusion_matrix(probabilities, labels)
    found = np.diag(matrix)
    return float(np.mean(2 * found / np.maximum(matrix.sum(0) + matrix.sum(1), 1)))


def agreement(probabilities: Probabilities, reference: Probabilities) -> float:
    """Share of rows in which both have the same best label."""
    return float(np.mean(probabilities.argmax(axis=1) == reference.argmax(axis=1)))


def kl_divergence(probabilities: Probabilities, reference: Probabilities) -> float:
    """Mean Kullback-Leibler divergence in nats of `probabilities` from `reference`; 0 when equal."""
    p, q = _floored(reference), _floored(probabilities)
    return float(np.mean(np.sum(p * np.log(p / q), axis=1)))


def calibration_curve(
    probabilities: Probabilities, truth: Probabilities, bins: int = 15
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """For each non-empty bin: the mean best probability, the mean truth of that label, and the share of rows.

    Args:
        probabilities: (n, labels).
        truth: (n, labels): shares of votes, or one-hot labels (then the mean truth is the accuracy).
        bins: the number of bins of equal width.
    """
    confidence, found = probabilities.max(axis=1), truth[np.arange(len(truth)), probabilities.argmax(axis=1)]
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = [(confidence[place == b].mean(), found[place == b].mean(), np.mean(place == b)) for b in np.unique(place)]
    confidences, truths, shares = np.array(rows, np.float64).T
    return confidences, truths, shares


def calibration_error(probabilities: Probabilities, truth: Probabilities, bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017): the gap between probability and truth, averaged over equal bins."""
    confidences, truths, shares = calibration_curve(probabilities, truth, bins)
    return float(np.sum(np.abs(confidences - truths) * shares))


def bootstrap_interval(
    measure: Callable[[NDArray[np.int64]], float], count: int, rounds: int = 200, seed: int = 0
) -> tuple[float, float]:
    """The bootstrap interval (Efron 1979): the middle 95% of a measure over `rounds` draws of `count` rows."""
    generator = np.random.default_rng(seed)
    values = [measure(generator.integers(0, count, count)) for _ in range(rounds)]
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def _floored(probabilities: Probabilities) -> NDArray[np.float64]:
    floored = np.maximum(probabilities.astype(np.float64), SMALLEST)
    return np.asarray(floored / floored.sum(axis=1, keepdims=True))
