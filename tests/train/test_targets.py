"""Soft targets are distributions, and each option does what it says."""

from dataclasses import replace

import numpy as np
import pytest

from edge.errors import DataError
from train.config import TrainConfig
from train.data import Dataset
from train.targets import class_weights, one_hot, soft_targets, translate_votes

PLAIN = TrainConfig(labels="fer2013", label_smoothing=0.0, translate_votes=False)
VOTES = np.array([[0, 0, 0, 6, 4, 0, 0], [0] * 7], np.float32)


def dataset(votes: np.ndarray | None = VOTES) -> Dataset:
    labels = np.array([3, 5])
    return Dataset(np.zeros((2, 48, 48), np.uint8), labels, np.array(["Training"] * 2), np.array(["a", "b"]), votes)


def test_plain_labels_are_one_hot() -> None:
    assert (soft_targets(dataset(None), PLAIN) == one_hot(np.array([3, 5]))).all()


def test_a_blend_mixes_votes_in_and_keeps_the_label_where_nobody_voted() -> None:
    targets = soft_targets(dataset(), replace(PLAIN, labels="blend", blend=0.5))
    assert np.allclose(targets[0], [0, 0, 0, 0.8, 0.2, 0, 0])
    assert np.allclose(targets[1], one_hot(np.array([5]))[0])


def test_votes_alone() -> None:
    assert np.allclose(soft_targets(dataset(), replace(PLAIN, labels="ferplus"))[0], VOTES[0] / 10)


def test_translated_votes_say_what_fer2013_calls_images_that_were_voted_alike() -> None:
    generator = np.random.default_rng(0)
    fear, happy, surprise = 2, 3, 6
    labels = generator.choice([happy, fear, surprise], 4000, p=[0.5, 0.25, 0.25])
    voted = np.where(labels == happy, happy, surprise)  # what FER-2013 calls fear is surprise to the voters
    translated = translate_votes(one_hot(voted), labels, seed=0)
    assert np.allclose(translated.sum(1), 1, atol=1e-5)
    assert translated[voted == happy, happy].min() > 0.9
    assert np.allclose(translated[voted == surprise][:, [fear, surprise]], 0.5, atol=0.08)
    assert (translated == translate_votes(one_hot(voted), labels, seed=0)).all()


def test_smoothing_keeps_distributions() -> None:
    targets = soft_targets(dataset(), replace(PLAIN, labels="blend", label_smoothing=0.1))
    assert np.allclose(targets.sum(1), 1)
    assert np.allclose(targets.min(), 0.1 / 7)


def test_votes_that_are_not_there_are_an_error() -> None:
    with pytest.raises(DataError, match="--ferplus"):
        soft_targets(dataset(None), replace(PLAIN, labels="blend"))


def test_class_weights_lift_the_rare_and_keep_the_mean() -> None:
    labels = np.repeat(np.arange(7), [400, 40, 400, 700, 500, 480, 320])
    weights = class_weights(labels, 0.5)
    assert weights.argmax() == 1
    assert weights[labels].mean() == pytest.approx(1)
    assert (class_weights(labels, 0) == 1).all()
