"""Calibrates scores by temperature scaling: one temperature per head, folded into its dense layer.

Guo et al. 2017, arXiv:1706.04599. The best label never changes. The temperature is found on the
images that also choose the best epoch.
"""

import keras
import numpy as np

from edge.results import Probabilities
from train.data import Dataset
from train.measures import SMALLEST
from train.models import LOGITS
from train.predict import predictor
from train.targets import validation_targets

TRIED = np.exp(np.linspace(np.log(0.5), np.log(2.0), 141))
"""The temperatures to try, 1% apart."""


def calibrate(model: keras.Model, dataset: Dataset) -> dict[str, float]:
    """Divide each head's logits by the temperature that fits these images best; return the temperatures by head."""
    targets = validation_targets(dataset)
    found = {}
    for head, probabilities in predictor(model)(dataset.images).items():
        truth = targets.distributions[head]
        known = truth.sum(1) > 0
        found[head] = best_temperature(probabilities[known], truth[known])
        layer = model.get_layer(head + LOGITS)
        layer.set_weights([weights / np.float32(found[head]) for weights in layer.get_weights()])
    return found


def best_temperature(probabilities: Probabilities, truth: Probabilities) -> float:
    """The temperature in TRIED with the least cross-entropy from `truth` (n, labels), which has rows that sum to 1."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), SMALLEST))

    def cross_entropy(temperature: float) -> float:
        scaled = logits / temperature
        scaled -= scaled.max(1, keepdims=True)
        log_sum = np.log(np.exp(scaled).sum(1))
        return float(np.mean(log_sum - (truth * scaled).sum(1)))

    return float(min(TRIED, key=cross_entropy))
