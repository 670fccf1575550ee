"""Scores become as sure as the votes are, and no label changes."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.train import synthetic
from tests.train.test_fit import tiny
from train.data import Dataset, load_fer2013
from train.predict import predictor
from train.temperature import best_temperature, calibrate


def softmax(logits: np.ndarray) -> np.ndarray:
    return (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.7])
def test_the_temperature_is_found_by_which_scores_are_too_sure(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(0, 2, (2000, 7))
    truth, said = softmax(logits), softmax(logits * temperature)
    assert best_temperature(said, truth) == pytest.approx(temperature, rel=0.02)


def test_calibrating_changes_scores_and_no_label(tmp_path: Path) -> None:
    dataset: Dataset = synthetic.with_votes(load_fer2013(synthetic.write_folder(tmp_path / "fer")))
    keras.utils.set_random_seed(1)
    model = tiny()
    for head in ("people", "label"):
        layer = model.get_layer(f"{head}_logits")
        layer.set_weights([40 * weights for weights in layer.get_weights()])  # far too sure
    before = predictor(model)(dataset.images)
    temperatures = calibrate(model, dataset)
    after = predictor(model)(dataset.images)
    assert set(temperatures) == {"people", "label"}
    for head, temperature in temperatures.items():
        assert temperature > 1
        assert (before[head].argmax(1) == after[head].argmax(1)).all()
        assert after[head].max(1).mean() < before[head].max(1).mean()
