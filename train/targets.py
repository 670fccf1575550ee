"""What the network learns from: FER-2013's labels, FER+ votes, a teacher's probabilities, or a blend."""

import keras
import numpy as np
from numpy.typing import NDArray

from edge.errors import DataError
from edge.model_info import LABELS
from train.config import TrainConfig
from train.data import Dataset

Targets = NDArray[np.float32]


def one_hot(labels: NDArray[np.int64]) -> Targets:
    """(n, labels)."""
    return np.eye(len(LABELS), dtype=np.float32)[labels]


def soft_targets(dataset: Dataset, config: TrainConfig) -> Targets:
    """A distribution over the labels for every picture, (n, labels), rows summing to 1."""
    targets = _with_votes(one_hot(dataset.labels), dataset, config)
    if config.distill:
        share = np.float32(config.distill_share)
        targets = (1 - share) * targets + share * _teacher_probabilities(dataset, config)
    smooth = np.float32(config.label_smoothing)
    return (1 - smooth) * targets + smooth / len(LABELS)


def class_weights(labels: NDArray[np.int64], power: float) -> NDArray[np.float32]:
    """(labels,), mean weight over the pictures 1: frequency to the power of -`power`."""
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
    share = np.float32(config.blend if config.labels == "blend" else 1.0)
    totals = dataset.votes.sum(1, keepdims=True)
    voted = np.where(totals > 0, dataset.votes / np.maximum(totals, 1), targets)  # nobody voted: the label stands
    return (1 - share) * targets + share * voted


def _teacher_probabilities(dataset: Dataset, config: TrainConfig) -> Targets:
    """The mean over the picture and its mirror image."""
    teacher = keras.saving.load_model(config.distill, compile=False)
    images = dataset.images[..., np.newaxis].astype(np.float32)
    both = [teacher.predict(view, batch_size=256, verbose=0) for view in (images, images[:, :, ::-1])]
    return np.mean(both, axis=0, dtype=np.float32)
