"""How good a classifier is: pure functions of probabilities (n, labels) and true labels (n,). NumPy only."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from edge.results import Probabilities

Labels = NDArray[np.int64]
SMALLEST = 1e-6
"""Probabilities below this count as this: int8 outputs hold exact zeros."""


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of rows whose largest probability stands at the label."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def wilson_interval(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """The interval that holds a share's true value in 95% of cases (Wilson 1927)."""
    center = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, center - half), min(1.0, center + half)


def confusion_matrix(probabilities: Probabilities, labels: Labels) -> NDArray[np.int64]:
    """(labels, labels) counts: rows are true, columns predicted."""
    size = probabilities.shape[1]
    return np.bincount(labels * size + probabilities.argmax(axis=1), minlength=size * size).reshape(size, size)


def recall_by_class(probabilities: Probabilities, labels: Labels, names: Sequence[str]) -> dict[str, float]:
    """Share found of each class that occurs in `labels`."""
    matrix = confusion_matrix(probabilities, labels)
    return {
        name: float(row[i] / row.sum()) for i, (name, row) in enumerate(zip(names, matrix, strict=True)) if row.sum()
    }


def macro_f1(probabilities: Probabilities, labels: Labels) -> float:
    """The plain mean over the classes of the harmonic mean of precision and recall; 0 for a class never found."""
    matrix = confusion_matrix(probabilities, labels)
    found = np.diag(matrix)
    return float(np.mean(2 * found / np.maximum(matrix.sum(0) + matrix.sum(1), 1)))


def agreement(probabilities: Probabilities, reference: Probabilities) -> float:
    """Share of rows in which both name the same label."""
    return float(np.mean(probabilities.argmax(axis=1) == reference.argmax(axis=1)))


def kl_divergence(probabilities: Probabilities, reference: Probabilities) -> float:
    """Mean Kullback-Leibler divergence in nats of `probabilities` from `reference`; 0 when equal."""
    p, q = _floored(reference), _floored(probabilities)
    return float(np.mean(np.sum(p * np.log(p / q), axis=1)))


def calibration_curve(
    probabilities: Probabilities, labels: Labels, bins: int = 15
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean confidence, accuracy and share of rows of each bin of equal width that holds any."""
    confidence, found = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = [(confidence[place == b].mean(), found[place == b].mean(), np.mean(place == b)) for b in np.unique(place)]
    confidences, accuracies, shares = np.array(rows, np.float64).T
    return confidences, accuracies, shares


def calibration_error(probabilities: Probabilities, labels: Labels, bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017): gap of confidence and accuracy, weighted over equal bins."""
    confidences, accuracies, shares = calibration_curve(probabilities, labels, bins)
    return float(np.sum(np.abs(confidences - accuracies) * shares))


def _floored(probabilities: Probabilities) -> NDArray[np.float64]:
    floored = np.maximum(probabilities.astype(np.float64), SMALLEST)
    return np.asarray(floored / floored.sum(axis=1, keepdims=True))
