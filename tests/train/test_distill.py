"""A network learns a share of what its teachers say of the images that it sees itself."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from train.config import RECIPES
from train.distill import answer, blend, learn_from
from train.fit import compile_model
from train.models import ARCHITECTURES
from train.predict import load_network


def write_teacher(file: Path, head: str, favorite: int) -> str:
    """A network with one head that gives `favorite` half of the probability, whatever it sees."""
    inputs = keras.Input((48, 48, 1))
    flat = keras.layers.Rescaling(0.0)(keras.layers.Flatten()(inputs))
    bias = keras.initializers.Constant(np.log(np.where(np.arange(7) == favorite, 6, 1)))
    keras.Model(inputs, {head: keras.layers.Dense(7, "softmax", bias_initializer=bias)(flat)}).save(file)
    return str(file)


def test_the_teachers_mean_answer_is_blended_into_the_heads_that_they_have(tmp_path: Path) -> None:
    files = [write_teacher(tmp_path / f"{favorite}.keras", "people", favorite) for favorite in (0, 1)]
    images, own = np.zeros((2, 48, 48, 1), np.float32), np.full((2, 7), 1 / 7, np.float32)
    answers = [answer(load_network(file), images) for file in files]
    blended = blend({"people": own, "label": own}, answers, 0.5)
    expected = 0.5 / 7 + 0.5 * np.array([3.5, 3.5, 1, 1, 1, 1, 1]) / 12
    assert np.allclose(keras.ops.convert_to_numpy(blended["people"]), expected, atol=1e-6)
    assert blended["label"] is own


def test_a_teacher_looks_at_small_images_and_at_each_by_itself(tmp_path: Path) -> None:
    inputs = keras.Input((48, 48, 1))
    bright = keras.layers.GlobalAveragePooling2D()(inputs)
    keras.Model(inputs, {"label": keras.layers.Dense(7, "softmax")(bright)}).save(tmp_path / "one.keras")
    teacher = load_network(tmp_path / "one.keras")
    images = np.stack([np.full((32, 32, 1), value, np.float32) for value in (0, 9)])
    small = keras.ops.convert_to_numpy(answer(teacher, images)["label"])
    whole = keras.ops.convert_to_numpy(answer(teacher, np.repeat(np.repeat(images, 2, 1), 2, 2)[:, :48, :48])["label"])
    assert np.allclose(small, whole, atol=1e-5)
    assert not np.allclose(small[0], small[1], atol=1e-3)


def test_a_pupil_learns_what_its_teacher_says_and_is_judged_by_the_truth(tmp_path: Path) -> None:
    config = replace(RECIPES["compact"], learning_rate=0.01, ema=0.0)
    model = compile_model(config, ("people", "label"), steps=10)
    images = np.random.default_rng(0).uniform(0, 255, (16, 48, 48, 1)).astype(np.float32)
    truth = {head: np.eye(7, dtype=np.float32)[np.full(16, 6)] for head in ("people", "label")}
    untaught = model.evaluate(images, truth, verbose=0, return_dict=True)["loss"]
    learn_from(model, [write_teacher(tmp_path / "t.keras", "people", 2)], share=1.0)
    assert model.evaluate(images, truth, verbose=0, return_dict=True)["loss"] == pytest.approx(untaught, rel=1e-4)
    for _ in range(40):
        model.train_on_batch(images, truth)
    said = model.predict(images, verbose=0)
    assert (said["people"].argmax(1) == 2).all()  # the teacher's, of whom it learned all
    assert (said["label"].argmax(1) == 6).all()  # the data's


def test_a_teacher_computes_in_its_pupils_number_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ARCHITECTURES["compact"]((48, 48, 1)).save(tmp_path / "t.keras")
    config = replace(RECIPES["compact"], learning_rate=0.01, ema=0.0, precision="bfloat16")
    model = compile_model(config, ("people", "label"), steps=10)
    teacher = load_network(tmp_path / "t.keras")
    monkeypatch.setattr("train.distill.load_network", lambda file: teacher)
    learn_from(model, [str(tmp_path / "t.keras")], share=0.5)
    layers = [layer for layer in teacher.layers if isinstance(layer, keras.layers.Conv2D)]
    assert layers
    assert {layer.compute_dtype for layer in layers} == {"bfloat16"}
    images = np.random.default_rng(0).uniform(0, 255, (16, 48, 48, 1)).astype(np.float32)
    quick, exact = answer(teacher, images), answer(load_network(tmp_path / "t.keras"), images)
    for head, scores in exact.items():
        assert "float32" in str(quick[head].dtype)
        assert np.allclose(keras.ops.convert_to_numpy(quick[head]), keras.ops.convert_to_numpy(scores), atol=0.03)
