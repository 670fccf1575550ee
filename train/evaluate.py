"""Measures how good a network is: each head, by each truth, on each split in the report.

A truth is what counts as right: FER+'s majority (as papers define it), a clear majority of all ten
votes, or FER-2013's own label.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.model_info import LABEL, LABELS, PEOPLE
from edge.results import Probabilities
from train import measures
from train.data import Dataset
from train.duplicates import find_duplicates
from train.predict import Predict
from train.targets import one_hot
from train.votes import NOBODY, clear_majority, majority, vote_shares

ALL_TEST = "all test"
WITHOUT_DUPLICATES = "test without duplicates"
MAJORITY, CLEAR, OWN_LABEL = "FER+ majority", "clear majority", "FER-2013 label"
HEAD_TRUTHS = {PEOPLE: (MAJORITY, CLEAR), LABEL: (OWN_LABEL,)}
"""The truths that fit each head, the one that papers use first."""
TRUTH_OF = {head: names[0] for head, names in HEAD_TRUTHS.items()}


@dataclass(frozen=True)
class Score:
    """A head's figures by one truth on one split; shares are in [0, 1], intervals are 95% intervals."""

    count: int
    accuracy: float
    interval: tuple[float, float]
    """Wilson."""
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    """From a bootstrap, like the next interval."""
    calibration_error: float
    """Expected calibration error against the shares of votes, or against the label."""
    calibration_interval: tuple[float, float]
    recall: dict[str, float]
    recall_interval: dict[str, tuple[float, float]]
    confusion: list[list[int]]
    """Confusion matrix: rows are true classes, columns predicted ones, in the order of LABELS."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Truth:
    """What counts as right, for each image of a data set."""

    classes: NDArray[np.int64]
    """(n,), the right class; NOBODY if there is none. CONTEMPT, which no head has, is never answered right."""
    shares: Probabilities
    """(n, labels), the right probabilities."""

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Truth":
        """The truth of some of the images."""
        return Truth(self.classes[rows], self.shares[rows])


def truths(dataset: Dataset) -> dict[str, Truth]:
    """The truths that the data set has, by name."""
    found = {}
    if dataset.votes is not None:
        shares = vote_shares(dataset.votes)
        found[MAJORITY] = Truth(majority(dataset.votes), shares)
        found[CLEAR] = Truth(clear_majority(dataset.votes), shares)
    return {**found, OWN_LABEL: Truth(dataset.labels, one_hot(dataset.labels))}


def score(probabilities: Probabilities, truth: Truth) -> Score:
    """Compute the figures on the images that have this truth; at least one must have it."""
    known = truth.classes != NOBODY
    probabilities, classes, shares = probabilities[known], truth.classes[known], truth.shares[known]
    accuracy = measures.accuracy(probabilities, classes)
    ours = classes < len(LABELS)
    named, named_classes = probabilities[ours], classes[ours]
    recall = measures.recall_by_class(named, named_classes, LABELS)
    counts = np.bincount(named_classes, minlength=len(LABELS))
    return Score(
        count=len(classes),
        accuracy=accuracy,
        interval=measures.wilson_interval(accuracy, len(classes)),
        macro_f1=measures.macro_f1(named, named_classes),
        macro_f1_interval=measures.bootstrap_interval(
            lambda rows: measures.macro_f1(named[rows], named_classes[rows]), len(named)
        ),
        calibration_error=measures.calibration_error(probabilities, shares),
        calibration_interval=measures.bootstrap_interval(
            lambda rows: measures.calibration_error(probabilities[rows], shares[rows]), len(classes)
        ),
        recall=recall,
        recall_interval={
            label: measures.wilson_interval(share, int(counts[LABELS.index(label)])) for label, share in recall.items()
        },
        confusion=measures.confusion_matrix(named, named_classes).tolist(),
    )


def splits_of_test(dataset: Dataset) -> dict[str, NDArray[np.bool_]]:
    """Masks over `dataset.test()` by name: each split, all, and the images without a duplicate in Training."""
    test = dataset.test()
    splits = {str(split): test.splits == split for split in ("PublicTest", "PrivateTest")}
    splits[ALL_TEST] = np.ones(len(test), bool)
    splits[WITHOUT_DUPLICATES] = ~find_duplicates(dataset)
    return {name: mask for name, mask in splits.items() if mask.any()}


Scores = Mapping[str, Mapping[str, Mapping[str, Score]]]
"""The figures by head, truth and split."""


def evaluate(predict: Predict, dataset: Dataset) -> Scores:
    """Compute the figures of every head on every split of the test images, without test-time augmentation."""
    test = dataset.test()
    if not len(test):
        return {}
    splits, known = splits_of_test(dataset), truths(test)
    return {
        head: {name: _by_split(probabilities, truth, splits) for name, truth in known.items()}
        for head, probabilities in predict(test.images).items()
    }


def rows_of(scores: Scores) -> list[tuple[str, str, str, Score]]:
    """The scores as a flat list of (head, truth, split, figures)."""
    return [
        (head, truth, split, figures)
        for head, by_truth in scores.items()
        for truth, by_split in by_truth.items()
        for split, figures in by_split.items()
    ]


def accuracies(scores: Scores, head: str) -> dict[str, dict[str, float]]:
    """A head's accuracy by truth and split, as in a contract."""
    return {
        truth: {split: round(score.accuracy, 6) for split, score in by_split.items()}
        for truth, by_split in scores.get(head, {}).items()
    }


def _by_split(probabilities: Probabilities, truth: Truth, splits: dict[str, NDArray[np.bool_]]) -> dict[str, Score]:
    return {
        name: score(probabilities[mask], truth.take(mask))
        for name, mask in splits.items()
        if (truth.classes[mask] != NOBODY).any()
    }
