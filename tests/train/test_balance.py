"""Seldom recognised classes are lifted to a floor, and nothing else is changed."""

import keras
import numpy as np
from keras import layers

from train.balance import logit_shifts, raise_recall
from train.data import Dataset
from train.measures import accuracy
from train.predict import predictor

FEAR, SURPRISE = 2, 6


def images_of_fear_and_surprise() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that lean to surprise by a margin that varies, and labels."""
    generator = np.random.default_rng(0)
    labels = np.repeat([FEAR, SURPRISE], 500)
    lean = generator.normal(np.where(labels == FEAR, 0.4, 1.2), 0.7)
    logits = np.full((1000, 7), -5.0)
    logits[:, FEAR], logits[:, SURPRISE] = 0, lean
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True), labels


def test_the_class_below_the_floor_is_raised_until_it_reaches_it() -> None:
    probabilities, labels = images_of_fear_and_surprise()
    before = np.mean(probabilities[labels == FEAR].argmax(1) == FEAR)
    shifts = logit_shifts(probabilities, labels, 0.5)
    shifted = np.log(probabilities) + shifts
    assert before < 0.4
    assert 0.5 <= np.mean(shifted[labels == FEAR].argmax(1) == FEAR) < 0.53
    assert np.flatnonzero(shifts).tolist() == [FEAR]
    assert accuracy(shifted, labels) > 0.65


def test_nothing_is_shifted_when_every_class_is_found() -> None:
    probabilities, labels = images_of_fear_and_surprise()
    assert not logit_shifts(probabilities, labels, 0.1).any()


def test_the_shifts_become_part_of_the_network() -> None:
    inputs = keras.Input((48, 48, 1))
    brightness = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, layers.Softmax()(layers.Dense(7, name="logits")(brightness)))
    kernel, bias = np.zeros((1, 7)), np.full(7, -5.0)
    kernel[0, SURPRISE], bias[FEAR], bias[SURPRISE] = 10, 0, -2  # every image is surprise to it
    model.get_layer("logits").set_weights([kernel, bias])
    levels = np.linspace(70, 200, 60).astype(np.uint8)
    images = np.broadcast_to(levels[:, None, None], (60, 48, 48))
    dataset = Dataset(images, np.repeat([FEAR, SURPRISE], 30), np.array(["PublicTest"] * 60), np.array(["x"] * 60))
    assert raise_recall(model, dataset, 0.5).keys() == {"fear"}
    predicted = predictor(model)(images).argmax(1)
    assert np.mean(predicted[:30] == FEAR) >= 0.5
    assert (predicted[30:] == SURPRISE).all()
