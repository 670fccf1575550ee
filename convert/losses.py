"""What a file lost against Keras, from both their probabilities on the same images."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.calibrate import UNKNOWN, Images
from edge.results import Probabilities
from train import measures

ALL = "all test"
"""The name of all test splits together."""


@dataclass(frozen=True)
class Losses:
    """A file against Keras; shares are in [0, 1], points are percentage points."""

    accuracy: Mapping[str, float]
    """Split, and ALL, to the file's accuracy; empty if the images have no labels."""
    keras_accuracy: Mapping[str, float]
    drop_points: float | None
    """Keras' accuracy minus the file's, on all."""
    drop_interval: tuple[float, float] | None
    """95% interval of `drop_points`, from the paired differences."""
    agreement: float
    """Share of images on which both choose the same label."""
    flips: Mapping[str, int]
    """Keras' label to the number of images on which the file chose another."""
    recall_loss_points: Mapping[str, float]
    """Label to the recall that the file lost; only labels that occur."""
    mean_difference: float
    """Mean absolute difference of probabilities."""
    max_difference: float
    kl_divergence: float
    """Mean Kullback-Leibler divergence of the file's distribution from Keras', in nats."""
    calibration_error: float | None
    """Expected calibration error, 15 bins (Guo et al. 2017, arXiv:1706.04599)."""
    keras_calibration_error: float | None

    @property
    def overall_accuracy(self) -> float | None:
        """The file's accuracy on all images; None without labels."""
        return list(self.accuracy.values())[-1] if self.accuracy else None


def measure_losses(keras: Probabilities, file: Probabilities, images: Images, labels: tuple[str, ...]) -> Losses:
    """Compare two sets of probabilities (n, labels) of the same images."""
    known = images.labels != UNKNOWN
    truth = images.labels[known]
    drop, interval = _drop(keras[known], file[known], truth)
    same = keras.argmax(1) == file.argmax(1)
    return Losses(
        accuracy=accuracies(file, images),
        keras_accuracy=accuracies(keras, images),
        drop_points=drop,
        drop_interval=interval,
        agreement=float(same.mean()),
        flips={label: int((~same & (keras.argmax(1) == index)).sum()) for index, label in enumerate(labels)},
        recall_loss_points=_recall_losses(keras[known], file[known], truth, labels),
        mean_difference=float(np.abs(keras - file).mean()),
        max_difference=float(np.abs(keras - file).max()),
        kl_divergence=measures.kl_divergence(file, keras),
        calibration_error=_calibration_error(file[known], truth),
        keras_calibration_error=_calibration_error(keras[known], truth),
    )


def accuracies(probabilities: Probabilities, images: Images) -> dict[str, float]:
    """Split name, and ALL as the last if there are several, to accuracy, on the images that have a label."""
    known = images.labels != UNKNOWN
    if not known.any():
        return {}
    correct = probabilities.argmax(1) == images.labels
    splits = {str(name): known & (images.splits == name) for name in np.unique(images.splits[known])}
    if len(splits) > 1:
        splits[ALL] = known
    return {name: round(float(correct[members].mean()), 6) for name, members in splits.items()}


def _drop(
    keras: Probabilities, file: Probabilities, truth: NDArray[np.int64]
) -> tuple[float | None, tuple[float, float] | None]:
    if not len(truth):
        return None, None
    differences = (keras.argmax(1) == truth).astype(float) - (file.argmax(1) == truth)
    drop = 100 * float(differences.mean())
    margin = 100 * 1.96 * float(differences.std()) / len(truth) ** 0.5
    return drop, (drop - margin, drop + margin)


def _recall_losses(
    keras: Probabilities, file: Probabilities, truth: NDArray[np.int64], labels: tuple[str, ...]
) -> dict[str, float]:
    losses = {}
    for index, label in enumerate(labels):
        members = truth == index
        if members.any():
            recalls = [float((p[members].argmax(1) == index).mean()) for p in (keras, file)]
            losses[label] = 100 * (recalls[0] - recalls[1])
    return losses


def _calibration_error(probabilities: Probabilities, truth: NDArray[np.int64]) -> float | None:
    return measures.calibration_error(probabilities, truth) if len(truth) else None
