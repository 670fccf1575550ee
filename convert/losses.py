"""Measures what a file lost against Keras, by comparing their probabilities on the same images."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.calibrate import UNKNOWN, Images
from edge.model_info import Head
from edge.results import Probabilities
from train import measures
from train.evaluate import Truth

ALL = "all test"
"""The name for all test splits together."""


@dataclass(frozen=True)
class Losses:
    """A file compared with Keras; shares are in [0, 1], points are percentage points."""

    accuracy: Mapping[str, Mapping[str, float]]
    """The file's accuracy by what counts as right and by split (and ALL); empty if no labels are known."""
    keras_accuracy: Mapping[str, Mapping[str, float]]
    drop_points: float | None
    """Keras' accuracy minus the file's on all images, by the first truth."""
    drop_interval: tuple[float, float] | None
    """The 95% interval of `drop_points`, from the paired differences."""
    agreement: float
    """The share of images on which both choose the same label."""
    flips: Mapping[str, int]
    """For each label of Keras, the number of images on which the file chose another."""
    recall_loss_points: Mapping[str, float]
    """For each label that occurs, the recall that the file lost."""
    mean_difference: float
    """The mean absolute difference of probabilities."""
    max_difference: float
    kl_divergence: float
    """The mean Kullback-Leibler divergence of the file's distribution from Keras', in nats."""
    calibration_error: float | None
    """Expected calibration error, 15 bins (Guo et al. 2017, arXiv:1706.04599), by the first truth's shares."""
    keras_calibration_error: float | None

    @property
    def overall_accuracy(self) -> float | None:
        """The file's accuracy on all images by the first truth; None without one."""
        return list(next(iter(self.accuracy.values())).values())[-1] if self.accuracy else None


def measure_losses(keras: Probabilities, file: Probabilities, images: Images, head: Head) -> Losses:
    """Compare two sets of a head's probabilities (n, labels) of the same images."""
    known = {name: truth for name, truth in images.truths_of(head.name).items() if (truth.classes != UNKNOWN).any()}
    nothing = Truth(np.full(len(images), UNKNOWN), np.zeros_like(keras))
    truth = next(iter(known.values()), nothing)
    judged = truth.classes != UNKNOWN
    drop, interval = _drop(keras[judged], file[judged], truth.classes[judged])
    same = keras.argmax(1) == file.argmax(1)
    return Losses(
        accuracy={name: accuracies(file, one, images.splits) for name, one in known.items()},
        keras_accuracy={name: accuracies(keras, one, images.splits) for name, one in known.items()},
        drop_points=drop,
        drop_interval=interval,
        agreement=float(same.mean()),
        flips={label: int((~same & (keras.argmax(1) == index)).sum()) for index, label in enumerate(head.labels)},
        recall_loss_points=_recall_losses(keras[judged], file[judged], truth.classes[judged], head.labels),
        mean_difference=float(np.abs(keras - file).mean()),
        max_difference=float(np.abs(keras - file).max()),
        kl_divergence=measures.kl_divergence(file, keras),
        calibration_error=_calibration_error(file, truth),
        keras_calibration_error=_calibration_error(keras, truth),
    )


def accuracies(probabilities: Probabilities, truth: Truth, splits: NDArray[np.str_]) -> dict[str, float]:
    """The accuracy by split, and ALL last if there are several, on the images that have this truth."""
    known = truth.classes != UNKNOWN
    correct = probabilities.argmax(1) == truth.classes
    members = {str(name): known & (splits == name) for name in np.unique(splits[known])}
    if len(members) > 1:
        members[ALL] = known
    return {name: round(float(correct[rows].mean()), 6) for name, rows in members.items()}


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


def _calibration_error(probabilities: Probabilities, truth: Truth) -> float | None:
    rows = truth.shares.sum(1) > 0
    return measures.calibration_error(probabilities[rows], truth.shares[rows]) if rows.any() else None
