"""Soft targets are distributions, and each option does what it says."""

from dataclasses import replace

import numpy as np
import pytest

from train.config import TrainConfig
from train.data import Dataset
from train.targets import class_weights, one_hot, training_targets, translate_votes, validation_targets

PLAIN = TrainConfig(blend=0.0, label_smoothing=0.0, class_balance=0.0)
VOTES = np.array([[0, 0, 0, 6, 2, 0, 0, 1, 1, 0], [0] * 10], np.float32)


def dataset(votes: np.ndarray | None = VOTES) -> Dataset:
    labels = np.array([3, 5])
    return Dataset(np.zeros((2, 48, 48), np.uint8), labels, np.array(["Training"] * 2), np.array(["a", "b"]), votes)


def test_without_votes_there_is_one_head_which_learns_the_labels() -> None:
    targets = training_targets(dataset(None), PLAIN)
    assert targets.heads == ("label",)
    assert (targets.distributions["label"] == one_hot(np.array([3, 5]))).all()


def test_the_people_head_learns_how_the_votes_for_our_classes_divide() -> None:
    targets = training_targets(dataset(), PLAIN)
    assert targets.heads == ("people", "label")
    assert np.allclose(targets.distributions["people"][0], [0, 0, 0, 0.75, 0.25, 0, 0])
    assert targets.weights["people"].tolist() == pytest.approx([0.8, 0.0])  # nobody voted on the second


def test_the_label_head_learns_the_labels_of_all_images() -> None:
    targets = training_targets(dataset(), PLAIN)
    assert (targets.distributions["label"] == one_hot(np.array([3, 5]))).all()
    assert targets.weights["label"].tolist() == [1.0, 1.0]


def test_the_best_epoch_is_judged_where_the_votes_have_a_majority_of_our_classes() -> None:
    votes = np.zeros((4, 10), np.float32)
    votes[0, 3], votes[1, 7], votes[2, 9], votes[3, :5] = 10, 10, 10, 2
    labels = np.array([3, 3, 3, 3])
    images = Dataset(
        np.zeros((4, 48, 48), np.uint8), labels, np.array(["PublicTest"] * 4), np.arange(4).astype(str), votes
    )
    assert validation_targets(images).weights["people"].tolist() == [1, 0, 0, 0]


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
    targets = training_targets(dataset(), replace(PLAIN, label_smoothing=0.1)).distributions["label"]
    assert np.allclose(targets.sum(1), 1)
    assert np.allclose(targets.min(), 0.1 / 7)


def test_class_weights_lift_the_rare_and_keep_the_mean() -> None:
    labels = np.repeat(np.arange(7), [400, 40, 400, 700, 500, 480, 320])
    weights = class_weights(labels, 0.5)
    assert weights.argmax() == 1
    assert weights[labels].mean() == pytest.approx(1)
    assert (class_weights(labels, 0) == 1).all()
