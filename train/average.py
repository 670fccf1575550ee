"""Averages a run's network with the one that it started from: often better than either, and no slower.

A network trained on from another one's weights stays close enough to it for the mean of both to work, and
the mean is often more accurate than either (model soups, Wortsman et al. 2022, arXiv:2203.05482).
"""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from train.data import Dataset
from train.predict import predictor
from train.targets import validation_targets

SHARES = np.arange(10) / 10
"""The shares of the starting network that are tried; 0 leaves the run's own network as it is."""
BATCHES, BATCH = 32, 256
"""How many training images serve to measure the statistics of BatchNorms."""


def average_with(model: keras.Model, start: list[Any], training: Dataset, validation: Dataset, seed: int) -> float:
    """Blend the starting weights into a model, with the share that makes the first head most accurate; return it.

    Args:
        model: the run's network.
        start: the weights that the run started from, as `get_weights` gives them.
        training: the images to measure the BatchNorms on again.
        validation: the images to choose the share on.
        seed: for drawing the images for the BatchNorms.
    """
    ours = model.get_weights()
    chosen = np.random.default_rng(seed).permutation(len(training))[: BATCHES * BATCH]
    best_accuracy, best_share, best_weights = -1.0, 0.0, ours
    for share in SHARES:
        model.set_weights([(1 - share) * own + share * other for own, other in zip(ours, start, strict=True)])
        if share:
            measure_batch_norms(model, training.images[chosen])
        accuracy = _accuracy(model, validation)
        if accuracy > best_accuracy:
            best_accuracy, best_share, best_weights = accuracy, float(share), model.get_weights()
    model.set_weights(best_weights)
    return best_share


def _accuracy(model: keras.Model, validation: Dataset) -> float:
    targets = validation_targets(validation)
    head = targets.heads[0]
    right = predictor(model)(validation.images)[head].argmax(1) == targets.distributions[head].argmax(1)
    return float(np.average(right, weights=targets.weights[head]))


def measure_batch_norms(model: keras.Model, images: NDArray[np.uint8]) -> None:
    """Set every BatchNorm's moving statistics to their mean over batches of these images, (n, 48, 48).

    Averaged weights give other activations than either network, so the statistics can't just be averaged.
    """
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for number, start in enumerate(range(0, len(images), BATCH)):
        for norm in norms:
            norm.momentum = number / (number + 1)
        model(images[start : start + BATCH, ..., np.newaxis].astype(np.float32), training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
