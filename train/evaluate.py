"""What a network is worth, on each group of images that a report names."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.model_info import LABELS
from edge.results import Probabilities
from train import measures
from train.data import Dataset, find_duplicates
from train.predict import Predict

ALL_TEST = "all test"
WITHOUT_DUPLICATES = "test without duplicates"


@dataclass(frozen=True)
class Score:
    """The figures of one group; shares are in [0, 1]."""

    count: int
    accuracy: float
    interval: tuple[float, float]
    """95%, Wilson."""
    macro_f1: float
    calibration_error: float
    recall: dict[str, float]
    confusion: list[list[int]]
    """Rows are true, columns predicted, in the order of LABELS."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def score(probabilities: Probabilities, labels: NDArray[np.int64]) -> Score:
    """The figures of one group."""
    accuracy = measures.accuracy(probabilities, labels)
    return Score(
        count=len(labels),
        accuracy=accuracy,
        interval=measures.wilson_interval(accuracy, len(labels)),
        macro_f1=measures.macro_f1(probabilities, labels),
        calibration_error=measures.calibration_error(probabilities, labels),
        recall=measures.recall_by_class(probabilities, labels, LABELS),
        confusion=measures.confusion_matrix(probabilities, labels).tolist(),
    )


def groups_of_test(dataset: Dataset) -> dict[str, NDArray[np.bool_]]:
    """Name to mask over `dataset.test()`: each split, all, and what has no duplicate in Training."""
    test = dataset.test()
    groups = {str(split): test.splits == split for split in ("PublicTest", "PrivateTest")}
    groups[ALL_TEST] = np.ones(len(test), bool)
    groups[WITHOUT_DUPLICATES] = ~find_duplicates(dataset)
    return {name: mask for name, mask in groups.items() if mask.any()}


def evaluate(predict: Predict, dataset: Dataset) -> dict[str, Score]:
    """The figures on every group of test images that the data set has; no test-time augmentation."""
    test = dataset.test()
    if not len(test):
        return {}
    probabilities = predict(test.images)
    return {name: score(probabilities[mask], test.labels[mask]) for name, mask in groups_of_test(dataset).items()}
