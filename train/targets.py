"""The training targets of each head: FER+ votes for `people`, FER-2013's labels for `label`."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from edge.model_info import LABELS
from train.config import TrainConfig
from train.data import Dataset
from train.models import HEADS
from train.votes import NOBODY, majority, vote_shares, vote_weights

Distributions = NDArray[np.float32]
"""(n, labels), with rows that sum to 1; a row of zeros if nothing is known."""
Weights = NDArray[np.float32]
"""(n,), the weight of each image."""
PEOPLE, LABEL = HEADS


@dataclass(frozen=True)
class Targets:
    """The right answers, by the name of the head."""

    distributions: Mapping[str, Distributions]
    weights: Mapping[str, Weights]

    @property
    def heads(self) -> tuple[str, ...]:
        """The names of the heads; the deciding one comes first."""
        return tuple(self.distributions)

    def take(self, indices: NDArray[np.int64]) -> "Targets":
        """The targets of the images at these indices."""
        return Targets(
            {head: values[indices] for head, values in self.distributions.items()},
            {head: values[indices] for head, values in self.weights.items()},
        )


def one_hot(labels: NDArray[np.int64]) -> Distributions:
    """(n, labels)."""
    return np.eye(len(LABELS), dtype=np.float32)[labels]


def heads_of(dataset: Dataset) -> tuple[str, ...]:
    """The heads that this data set can train; `people` needs votes."""
    return HEADS if dataset.votes is not None else (LABEL,)


def training_targets(dataset: Dataset, config: TrainConfig) -> Targets:
    """The targets of a run; images without votes train only the `label` head."""
    distributions, weights = {}, {}
    if dataset.votes is not None:
        distributions[PEOPLE], weights[PEOPLE] = vote_shares(dataset.votes), vote_weights(dataset.votes)
    distributions[LABEL] = _label_distributions(dataset, config)
    weights[LABEL] = class_weights(dataset.labels, config.class_balance)[dataset.labels]
    return Targets(distributions, weights)


def validation_targets(dataset: Dataset) -> Targets:
    """The targets that choose the best epoch: FER+'s majority if it is one of our classes, and FER-2013's label."""
    distributions, weights = {}, {}
    if dataset.votes is not None:
        classes = majority(dataset.votes)
        distributions[PEOPLE] = vote_shares(dataset.votes)
        weights[PEOPLE] = ((classes != NOBODY) & (classes < len(LABELS))).astype(np.float32)
    distributions[LABEL] = one_hot(dataset.labels)
    weights[LABEL] = np.ones(len(dataset), np.float32)
    return Targets(distributions, weights)


def class_weights(labels: NDArray[np.int64], power: float) -> NDArray[np.float32]:
    """The weight of each class, (labels,): its frequency to the power of -`power`; the mean over the images is 1."""
    counts = np.bincount(labels, minlength=len(LABELS))
    weights = np.maximum(counts, 1) ** -float(power)  # the weight of a missing class is never used
    return (weights * len(labels) / (weights * counts).sum()).astype(np.float32)


def translate_votes(shares: Distributions, labels: NDArray[np.int64], seed: int) -> Distributions:
    """The labels that FER-2013 usually gives to images with such votes: P(label | votes), by softmax regression.

    FER+'s voters and FER-2013's annotators differ systematically: much of what FER-2013 calls fear is
    surprise to the voters. The `label` head should answer as FER-2013 does, so it learns from these.

    Args:
        shares: (n, labels), each class's share of an image's votes; a row of zeros if nobody voted.
        labels: (n,), FER-2013's labels.
        seed: the seed of the regression's start and order.

    Returns:
        (n, labels), with rows that sum to 1.
    """
    keras.utils.set_random_seed(seed)
    features = np.concatenate([shares, np.sqrt(shares), np.log(shares + 0.05)], axis=1)
    regression = keras.Sequential([keras.layers.Dense(len(LABELS), activation="softmax")])
    regression.compile(keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    regression.fit(features, labels, batch_size=256, epochs=10, verbose=0)
    return np.asarray(regression.predict(features, batch_size=4096, verbose=0), np.float32)


def _label_distributions(dataset: Dataset, config: TrainConfig) -> Distributions:
    targets = one_hot(dataset.labels)
    if dataset.votes is not None and config.blend:
        share = np.float32(config.blend)
        targets = (1 - share) * targets + share * translate_votes(
            vote_shares(dataset.votes), dataset.labels, config.seed
        )
    smooth = np.float32(config.label_smoothing)
    return (1 - smooth) * targets + smooth / len(LABELS)
