"""The analysis of mistakes: its figures on made-up predictions, and the whole page on a small network."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from edge.errors import DataError
from tests.train import synthetic
from tests.train.test_fit import tiny
from train.analyze import Predictions, accuracy_by, accuracy_by_vote, analyze, confident_mistakes, confusion_pairs
from train.data import Dataset, load_fer2013
from train.saliency import grad_cam


@pytest.fixture
def predictions() -> Predictions:
    labels = np.array([0, 0, 3, 5])
    votes = np.eye(10, dtype=np.float32)[[0, 4, 3, 4]] * 10
    dataset = Dataset(np.zeros((4, 48, 48), np.uint8), labels, np.array(["Test"] * 4), np.array(list("abcd")), votes)
    said, sure = np.array([0, 4, 5, 4]), np.array([0.9, 0.6, 0.8, 0.7])
    probabilities = np.full((4, 7), 0.01, np.float32)
    probabilities[np.arange(4), said] = sure
    return Predictions(dataset, probabilities)


def test_the_surest_mistakes_come_first(predictions: Predictions) -> None:
    assert confident_mistakes(predictions).tolist() == [2, 3, 1]
    assert predictions.caption(2) == "sad, not happy 0.80"


def test_confusions_and_votes(predictions: Predictions) -> None:
    assert ("angry", "neutral", 1, 0.5) in confusion_pairs(predictions)
    rows = {name: (count, right, says) for name, count, right, says in accuracy_by_vote(predictions)}
    assert rows["voters say another"] == (2, 0.0, 1.0)
    assert rows["voters say the label"] == (2, 0.5, 0.5)


def test_accuracy_by_a_quantity_has_equal_parts() -> None:
    right = np.arange(16) >= 8
    assert accuracy_by(np.arange(16.0), right, 2) == [(3.5, 0.0), (11.5, 1.0)]


def test_the_page_is_written_with_its_images(tmp_path: Path) -> None:
    dataset = synthetic.with_votes(load_fer2013(synthetic.write_folder(tmp_path / "fer"))).split("PrivateTest")
    analyze(tiny(), dataset, tmp_path)
    page = (tmp_path / "analysis.md").read_text()
    for image in ("mistakes.png", "grad_cam.png", "calibration.png", "light.png"):
        assert image in page
        assert (tmp_path / image).stat().st_size > 2000


def test_the_people_head_is_judged_by_the_votes(predictions: Predictions) -> None:
    faces = replace(predictions, head="people")
    assert faces.right.tolist() == [True, True, False, True]
    assert predictions.right.tolist() == [True, False, False, False]


def test_the_people_head_needs_votes(tmp_path: Path) -> None:
    dataset = load_fer2013(synthetic.write_folder(tmp_path / "fer")).split("PrivateTest")
    with pytest.raises(DataError, match="--ferplus"):
        analyze(tiny(), dataset, tmp_path)


def test_grad_cam_looks_where_the_evidence_is() -> None:
    inputs = keras.Input((48, 48, 1))
    x = keras.layers.Conv2D(1, 3, padding="same", use_bias=False)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Softmax()(keras.layers.Dense(2, name="logits")(x))
    model = keras.Model(inputs, outputs)
    model.set_weights([np.ones((3, 3, 1, 1)), np.array([[1.0, -1.0]]), np.zeros(2)])
    image = np.zeros((1, 48, 48), np.uint8)
    image[0, 30:40, 5:15] = 255
    heat = grad_cam(model, image, np.array([0]))[0]
    assert heat.argmax() // 48 in range(30, 40)
    assert heat.argmax() % 48 in range(5, 15)
    assert heat[:20].max() < 0.1
