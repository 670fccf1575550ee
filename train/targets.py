"""What the network learns from: FER-2013's labels, FER+ votes, a teacher's probabilities, or a blend."""

import keras
import numpy as np
from numpy.typing import NDArray

from edge.errors import DataError
from edge.model_info import LABELS
from train.config import TrainConfig
from train.data import Dataset
from train.predict import load_network, predictor

Targets = NDArray[np.float32]


def one_hot(labels: NDArray[np.int64]) -> Targets:
    """(n, labels)."""
    return np.eye(len(LABELS), dtype=np.float32)[labels]


def soft_targets(dataset: Dataset, config: TrainConfig) -> Targets:
    """A distribution over the labels for every image, (n, labels), rows summing to 1."""
    targets = _with_votes(one_hot(dataset.labels), dataset, config)
    if config.distill:
        share = np.float32(config.distill_share)
        targets = (1 - share) * targets + share * _teacher_probabilities(dataset, config)
    smooth = np.float32(config.label_smoothing)
    return (1 - smooth) * targets + smooth / len(LABELS)


def class_weights(labels: NDArray[np.int64], power: float) -> NDArray[np.float32]:
    """(labels,), mean weight over the images 1: frequency to the power of -`power`."""
    counts = np.maximum(np.bincount(labels, minlength=len(LABELS)), 1)
    weights = counts ** -float(power)
    return (weights * len(labels) / (weights * counts).sum()).astype(np.float32)


def _with_votes(targets: Targets, dataset: Dataset, config: TrainConfig) -> Targets:
    if config.labels == "fer2013":
        return targets
    if dataset.votes is None:
        raise DataError(
            f"Expected FER+ votes for --labels {config.labels}: give their csv with --ferplus, or train with "
            "--labels fer2013. Received: none"
        )
    share = np.float32({"blend": config.blend, "ferplus": 1.0}[config.labels])
    totals = dataset.votes.sum(1, keepdims=True)
    shares = dataset.votes / np.maximum(totals, 1)
    if config.translate_votes:
        voted = translate_votes(shares, dataset.labels, config.seed)
    else:
        voted = np.where(totals > 0, shares, targets)  # nobody voted: the label stands
    return (1 - share) * targets + share * voted


def translate_votes(shares: Targets, labels: NDArray[np.int64], seed: int) -> Targets:
    """What FER-2013 calls images that were voted alike: P(label | votes), by a softmax regression on these images.

    FER+'s voters and FER-2013's annotators disagree in ways that can be learned: much of what
    FER-2013 calls fear is surprise to the voters. Plain votes teach their habits; these teach FER-2013's.

    Args:
        shares: (n, labels), each class's share of an image's votes; a row of zeros where nobody voted.
        labels: (n,).
        seed: of the regression's start and order.

    Returns:
        (n, labels), rows summing to 1.
    """
    keras.utils.set_random_seed(seed)
    features = np.concatenate([shares, np.sqrt(shares), np.log(shares + 0.05)], axis=1)
    regression = keras.Sequential([keras.layers.Dense(len(LABELS), activation="softmax")])
    regression.compile(keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    regression.fit(features, labels, batch_size=256, epochs=10, verbose=0)
    return np.asarray(regression.predict(features, batch_size=4096, verbose=0), np.float32)


def _teacher_probabilities(dataset: Dataset, config: TrainConfig) -> Targets:
    """The mean over the image and its mirror image."""
    assert config.distill
    predict = predictor(load_network(config.distill))
    return (predict(dataset.images) + predict(dataset.images[:, :, ::-1])) / 2
