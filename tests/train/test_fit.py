"""A run learns, resumes to the same end, and keeps the best epoch."""

import contextlib
import itertools
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from edge.errors import ConfigError, DataError
from tests.train import synthetic
from train import checkpoint as checkpoint_module
from train import fit as fitting
from train.checkpoint import Checkpoint, find_checkpoint
from train.config import TrainConfig
from train.data import Dataset, load_fer2013
from train.fit import Batches, compile_model, fit, start_from
from train.models import ARCHITECTURES
from train.predict import predictor
from train.targets import training_targets
from train.votes import majority


def tiny(
    input_shape: tuple[int | None, int | None, int] = (48, 48, 1), heads: Sequence[str] = ("people", "label")
) -> keras.Model:
    """A network that trains in seconds, with every kind of layer whose state a checkpoint must keep."""
    inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(8, 5, strides=4, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    logits = {head: layers.Dense(7, name=f"{head}_logits")(x) for head in heads}
    return keras.Model(inputs, {head: layers.Softmax(dtype="float32", name=head)(logits[head]) for head in heads})


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setitem(ARCHITECTURES, "compact", tiny)
    return synthetic.with_votes(load_fer2013(synthetic.write_folder(tmp_path / "fer")))


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    return TrainConfig(out=str(tmp_path / "run"), epochs=4, batch_size=14, small_share=0.5, ema=0.5)


def run(dataset: Dataset, config: TrainConfig) -> fitting.Result:
    return fit(dataset.split("Training"), dataset.split("PublicTest"), config)


class InterruptedRunError(Exception):
    """Stands for whatever ends a process."""


@pytest.mark.parametrize(
    "recipe", [{}, {"schedule": "plateau", "plateau_patience": 1, "optimizer": "adam", "ema": 0.0}]
)
def test_an_interrupted_run_goes_on_to_the_same_end(
    dataset: Dataset, config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: dict[str, object]
) -> None:
    config = replace(config, **recipe)
    straight = run(dataset, config)
    config = replace(config, out=str(tmp_path / "interrupted"))
    get = Batches.__getitem__

    def killed_in_the_third_epoch(self: Batches, index: int) -> object:
        if index == 2 * self.steps + 3:
            raise InterruptedRunError("killed on purpose")
        return get(self, index)

    with monkeypatch.context() as patch:
        patch.setattr(Batches, "__getitem__", killed_in_the_third_epoch)
        with pytest.raises(Exception, match="killed on purpose"):  # TensorFlow wraps it
            run(dataset, config)
    resumed = run(dataset, replace(config, resume=True))
    names = ("loss", "people_accuracy", "label_loss", "val_loss", "val_people_accuracy", "learning_rate")
    for ours, theirs in zip(resumed.history, straight.history, strict=True):
        assert {n: ours[n] for n in names} == pytest.approx({n: theirs[n] for n in names}, rel=1e-4)
    for ours, theirs in zip(resumed.model.get_weights(), straight.model.get_weights(), strict=True):
        assert np.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("step", range(5))
def test_a_save_that_is_killed_at_any_step_leaves_a_checkpoint(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    folder, model = Path(config.out), tiny()
    folder.mkdir()
    model.compile("sgd", "categorical_crossentropy")
    checkpoint = Checkpoint(config, [], "val_accuracy", config.recipe())
    checkpoint.set_model(model)
    checkpoint.on_epoch_end(0, {"val_accuracy": 0.0})
    with monkeypatch.context() as patch:
        kill_at(step, patch)
        with contextlib.suppress(InterruptedRunError):
            checkpoint.on_epoch_end(1, {"val_accuracy": 0.0})
    resumed = Checkpoint(config, [], "val_accuracy", config.recipe())
    resumed.set_model(model)
    assert resumed.restore(model) == (1 if step < 4 else 2)
    resumed.on_epoch_end(2, {"val_accuracy": 0.0})
    assert sorted(file.name for file in folder.iterdir()) == ["best.weights.h5", "checkpoint"]


def kill_at(step: int, patch: pytest.MonkeyPatch) -> None:
    """Die in the call of this number that renames a folder, or deletes one, half of which is then gone."""
    steps = itertools.count()

    def rmtree(folder: Path, **options: bool) -> None:
        if next(steps) == step:
            (folder / "model.keras").unlink(missing_ok=True)
            raise InterruptedRunError
        shutil.rmtree(folder, **options)

    def rename(source: Path, target: Path) -> None:
        if next(steps) == step:
            raise InterruptedRunError
        os.replace(source, target)

    patch.setattr(checkpoint_module, "shutil", SimpleNamespace(rmtree=rmtree))  # Keras has need of the real one
    patch.setattr(checkpoint_module, "os", SimpleNamespace(replace=rename))


def test_a_new_run_forgets_the_checkpoint_of_a_killed_one(
    dataset: Dataset, config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(dataset, replace(config, epochs=1))
    out = Path(config.out)
    (out / "checkpoint").rename(out / "checkpoint.old")
    assert find_checkpoint(out)
    monkeypatch.setattr(Batches, "__getitem__", lambda self, index: 1 / 0)
    with pytest.raises(Exception, match="division by zero"):
        run(dataset, config)
    assert find_checkpoint(out) is None


def test_a_run_does_not_go_on_with_another_selection(dataset: Dataset, config: TrainConfig) -> None:
    config = replace(config, epochs=1, select_on="PublicTest")
    run(dataset, config)
    with pytest.raises(ConfigError, match=r"--select-on split \(was PublicTest\)"):
        run(dataset, replace(config, resume=True, select_on="split"))


def test_without_votes_a_run_trains_the_label_head_only(dataset: Dataset, config: TrainConfig) -> None:
    result = run(replace(dataset, votes=None), replace(config, epochs=1))
    assert set(result.model.output) == {"label"}
    assert 0 <= result.history[0]["val_accuracy"] <= 1


def test_the_best_epoch_is_kept_and_images_are_small_first(dataset: Dataset, config: TrainConfig) -> None:
    result = run(dataset, config)
    assert [row["size"] for row in result.history] == [32, 32, 48, 48]
    assert result.model.input_shape == (None, 48, 48, 1)
    public = dataset.split("PublicTest")
    predicted = predictor(result.model)(public.images)["people"]
    best = max(row["val_people_accuracy"] for row in result.history)
    assert np.mean(predicted.argmax(1) == majority(public.votes)) == pytest.approx(best, abs=1e-6)


def test_batches_depend_on_their_number_alone(dataset: Dataset, config: TrainConfig) -> None:
    train = dataset.split("Training")
    from_start, resumed = (Batches(train, training_targets(train, config), config, epoch) for epoch in (0, 2))
    assert from_start.steps == 5
    assert from_start[0][0].shape == (14, 32, 32, 1)
    assert resumed[0][0].shape == (14, 48, 48, 1)
    assert all((a == b).all() for a, b in zip(*map(keras.tree.flatten, (from_start[11], resumed[1])), strict=True))
    assert (from_start[10][0] != from_start[15][0]).any()


def test_a_run_starts_from_the_weights_of_init(dataset: Dataset, config: TrainConfig, tmp_path: Path) -> None:
    first = run(dataset, config)
    first.model.save(tmp_path / "first.keras")
    still = replace(config, out=str(tmp_path / "second"), init=str(tmp_path / "first.keras"), epochs=1, ema=0.0)
    second = run(dataset, replace(still, learning_rate=1e-9, small_share=0.0))
    for variable, ours, theirs in zip(
        second.model.weights, second.model.get_weights(), first.model.get_weights(), strict=True
    ):
        assert "moving" in variable.name or np.allclose(ours, theirs, atol=1e-6)


def test_the_statistics_of_a_short_run_forget_their_start_and_those_of_a_long_one_stay_slow() -> None:
    def momenta(steps: int) -> set[float]:
        model = compile_model(TrainConfig(arch="resnet18", epochs=1), ("label",), steps)
        return {layer.momentum for layer in model._flatten_layers() if hasattr(layer, "moving_variance")}

    assert max(momenta(7)) ** 7 < 0.01
    assert momenta(1000) == {0.97}


def test_a_network_of_before_the_heads_lends_its_one_head_to_both(tmp_path: Path) -> None:
    old, new = tiny(heads=("label",)), tiny()
    inputs = old.inputs[0]
    features = old.get_layer("label_logits").input
    keras.Model(inputs, layers.Softmax()(layers.Dense(7, name="logits")(features))).save(tmp_path / "old.keras")
    start_from(str(tmp_path / "old.keras"), new)
    kernel = keras.saving.load_model(tmp_path / "old.keras").get_layer("logits").get_weights()[0]
    for head in ("people", "label"):
        assert (new.get_layer(f"{head}_logits").get_weights()[0] == kernel).all()


def test_init_with_other_layers_is_an_error(dataset: Dataset, config: TrainConfig, tmp_path: Path) -> None:
    keras.Sequential([keras.Input((48, 48, 1)), layers.Flatten(), layers.Dense(7)]).save(tmp_path / "other.keras")
    with pytest.raises(ConfigError, match="--init"):
        run(dataset, replace(config, init=str(tmp_path / "other.keras")))


def test_less_than_a_batch_is_an_error(dataset: Dataset, config: TrainConfig) -> None:
    with pytest.raises(DataError, match="Received: 70"):
        run(dataset, replace(config, batch_size=128))
