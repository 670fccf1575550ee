"""Weights of two networks become one network's, when that recognises more."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from tests.train import synthetic
from train.average import average_with, measure_batch_norms
from train.data import Dataset, load_fer2013
from train.predict import predictor


def network(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((48, 48, 1))
    x = layers.Conv2D(8, 5, strides=4, use_bias=False)(layers.Rescaling(1 / 255)(inputs))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    return keras.Model(inputs, {"label": layers.Softmax()(layers.Dense(7)(x))})


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return load_fer2013(synthetic.write_folder(tmp_path / "fer"))


def accuracy(model: keras.Model, dataset: Dataset) -> float:
    return float((predictor(model)(dataset.images)["label"].argmax(1) == dataset.labels).mean())


def test_the_average_is_never_worse_where_it_was_chosen(dataset: Dataset) -> None:
    training, validation = dataset.split("Training"), dataset.split("PublicTest")
    model = network(2)
    before = accuracy(model, validation)
    share = average_with(model, network(1).get_weights(), training, validation, seed=0)
    assert 0 <= share < 1
    assert accuracy(model, validation) >= before


def test_a_network_averaged_with_itself_stays(dataset: Dataset) -> None:
    model = network(1)
    measure_batch_norms(model, dataset.images)
    before = model.get_weights()
    share = average_with(model, before, dataset, dataset, seed=0)
    kernels = zip(model.get_weights(), before, strict=True)
    assert all(np.allclose(ours, theirs, rtol=1e-4, atol=1e-4) for ours, theirs in kernels), share


def test_batch_norms_take_the_mean_over_batches(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.average.BATCH", 7)
    model = network(1)
    norm = next(layer for layer in model.layers if isinstance(layer, layers.BatchNormalization))
    momentum = norm.momentum
    images = dataset.images[:21]
    measure_batch_norms(model, images)
    before_norm = keras.Model(model.inputs, norm.input)
    activations = np.asarray(before_norm.predict(images[..., np.newaxis].astype(np.float32), verbose=0))
    assert np.allclose(norm.get_weights()[2], activations.mean((0, 1, 2)), rtol=1e-3, atol=1e-4)
    assert norm.momentum == momentum
