"""No class is forgotten: the logits of seldom recognised classes are raised until each is found often enough.

The most accurate decision ignores a class that is hard to tell from a more frequent one. Adding a
constant to a logit (logit adjustment, Menon et al. 2020, arXiv:2007.07314) buys its recall for some
accuracy; the constants are found on the images that also pick the epoch.
"""

import keras
import numpy as np
from numpy.typing import NDArray

from edge.model_info import LABELS
from edge.results import Probabilities
from train.data import Dataset
from train.measures import confusion_matrix
from train.predict import predictor

STEP = 0.01
MOST_STEPS = 1000


def raise_recall(model: keras.Model, dataset: Dataset, lowest: float) -> dict[str, float]:
    """Shift the model's logits until every class of these images has a recall of `lowest`; returns the shifts."""
    shifts = logit_shifts(predictor(model)(dataset.images), dataset.labels, lowest)
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel, bias + shifts])
    return {label: round(float(shift), 2) for label, shift in zip(LABELS, shifts, strict=True) if shift}


def logit_shifts(probabilities: Probabilities, labels: NDArray[np.int64], lowest: float) -> NDArray[np.float32]:
    """(labels,), what to add to the logits; the class with the lowest recall is raised first.

    It ends where it can't go on: when what one class gains, another one loses.
    """
    logits = np.log(np.maximum(probabilities, 1e-12))
    shifts = np.zeros(probabilities.shape[1], np.float32)
    for _ in range(MOST_STEPS):
        matrix = confusion_matrix(logits + shifts, labels)
        recall = np.diag(matrix) / np.maximum(matrix.sum(1), 1) + (matrix.sum(1) == 0)  # who is not there lacks nothing
        worst = recall.argmin()
        if recall[worst] >= lowest:
            break
        shifts[worst] += STEP
    return shifts
