"""Runs end when they diverge, are not mixed up, and write what other people's tools read."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError, DataError, TrainingError
from tests.train import synthetic
from tests.train.test_fit import config, dataset, run, tiny
from train import TrainConfig, callbacks, training
from train.architectures import network_name
from train.bundled import RESULTS, arch_of
from train.callbacks import StopAtNaN
from train.checkpoint import BEST, Checkpoint, find_checkpoint
from train.config import RECIPES, parse, recipe
from train.data import Dataset, load_fer2013
from train.predict import load_network

__all__ = ["config", "dataset"]


def test_a_run_that_diverges_ends_at_its_step(dataset: Dataset, config: TrainConfig) -> None:
    dataset.votes[:] = np.nan  # type: ignore[index]
    with pytest.raises(TrainingError, match=r"finite loss.*--learning-rate.* Received: nan at step \d+ of epoch 1"):
        run(dataset, config)
    assert find_checkpoint(Path(config.out)) is None


@pytest.mark.parametrize(("name", "value"), [("loss", np.inf), ("val_loss", np.nan)])
def test_figures_that_are_not_finite_end_a_run_too(config: TrainConfig, name: str, value: float) -> None:
    stop = StopAtNaN(config)
    stop.on_epoch_begin(2)
    stop.on_epoch_end(2, {"accuracy": 0.5})
    with pytest.raises(TrainingError, match=f"{name} {value} at the end of epoch 3"):
        stop.on_epoch_end(2, {"accuracy": 0.5, name: value})


def test_an_epoch_that_is_never_right_is_kept_like_any_other(config: TrainConfig) -> None:
    Path(config.out).mkdir()
    model = tiny(heads=("label",))
    model.compile("sgd", "categorical_crossentropy")
    checkpoint = Checkpoint(config, [], "val_accuracy", config.recipe())
    checkpoint.set_model(model)
    checkpoint.on_epoch_end(0, {"val_accuracy": 0.0})
    assert (Path(config.out) / BEST).is_file()


def test_resuming_with_other_options_names_them(dataset: Dataset, config: TrainConfig) -> None:
    run(dataset, replace(config, epochs=1))
    changed = replace(config, epochs=2, learning_rate=0.5, resume=True)
    with pytest.raises(ConfigError, match=r"--epochs 2 \(was 1\), --learning-rate 0.5 \(was 0.1\)$"):
        run(dataset, changed)


@pytest.fixture
def network(dataset: Dataset, tmp_path: Path) -> str:
    """The file of another network."""
    tiny().save(tmp_path / "other.keras")
    return str(tmp_path / "other.keras")


@pytest.mark.parametrize("option", ["init", "distill"])
def test_a_run_is_not_resumed_with_another_network(
    dataset: Dataset, config: TrainConfig, network: str, option: str
) -> None:
    config = replace(config, epochs=1)
    run(dataset, config)
    with pytest.raises(ConfigError, match=rf"Received: --{option} sha256:\w+ \(was none\)$"):
        run(dataset, replace(config, resume=True, **{option: network}))


def test_a_run_is_not_resumed_with_fewer_images_or_without_votes(dataset: Dataset, config: TrainConfig) -> None:
    config = replace(config, epochs=1)
    run(dataset, config)
    config = replace(config, resume=True)
    with pytest.raises(ConfigError, match=r"Received: --ferplus none \(was sha256:\w+\)$"):
        run(replace(dataset, votes=None), config)
    with pytest.raises(ConfigError, match=r"Received: --data 90 images, .* \(was 91 images, "):
        run(dataset.take(np.arange(len(dataset) - 1)), config)
    with pytest.raises(ConfigError, match=r"Received: --data 91 images, .* \(was 91 images, "):
        run(replace(dataset, names=dataset.names[::-1]), config)


def test_a_run_that_was_moved_resumes(dataset: Dataset, config: TrainConfig, network: str, tmp_path: Path) -> None:
    config = replace(config, epochs=1, init=network, distill=(network, network))
    run(dataset, config)
    there = str(Path(network).rename(tmp_path / "moved.keras"))
    out = str(Path(config.out).rename(tmp_path / "moved"))
    elsewhere = replace(dataset, names=np.array([f"fer/{name}" for name in dataset.names]))
    moved = replace(config, out=out, init=there, distill=(there, there), resume=True)
    assert len(run(elsewhere, moved).history) == 1


def test_a_checkpoint_of_before_names_options_only_and_resumes(
    dataset: Dataset, config: TrainConfig, network: str
) -> None:
    config = replace(config, epochs=1)
    run(dataset, config)
    file = Path(config.out) / "checkpoint" / "state.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "recipe": config.recipe()}))
    assert len(run(dataset, replace(config, resume=True, init=network)).history) == 1


def test_a_class_with_one_image_trains_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"happy/1.png": "happy", **{f"sad/{index}.png": "sad" for index in range(4)}}
    few, config = load_fer2013(synthetic.write_images(tmp_path, files)), TrainConfig(select_on="split")
    training_images, validation = training.split_for_selection(few, config)
    assert set(training_images.labels) == set(few.labels)
    assert len(validation) == 1
    assert capsys.readouterr().out == "Too few images to hold one back: happy\n"
    with pytest.raises(DataError, match=r"Received: 1, all single$"):
        training.split_for_selection(few.take(np.array([0])), config)


def test_a_folder_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"a run's")
    with pytest.raises(ConfigError, match="--resume, or another folder in --out"):
        training.make_folder(TrainConfig(out=str(tmp_path)))


def test_the_log_of_a_run_is_a_csv(dataset: Dataset, config: TrainConfig) -> None:
    run(dataset, replace(config, epochs=2, log="csv"))
    with (Path(config.out) / callbacks.LOG_CSV).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert all(float(row["loss"]) > 0 for row in rows)


def test_the_log_of_a_run_is_tensorboard_s(dataset: Dataset, config: TrainConfig) -> None:
    run(dataset, replace(config, epochs=1, log="tensorboard"))
    assert list((Path(config.out) / callbacks.TENSORBOARD).rglob("events.out.tfevents*"))


def test_small_data_get_small_batches_and_chosen_ones_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = load_fer2013(synthetic.write_folder(tmp_path / "fer"))
    settled = training.settle(TrainConfig(), few)
    assert (settled.batch_size, settled.learning_rate) == (8, pytest.approx(0.1 * 8 / 128))
    assert "Only 70 training images: batches of 8" in capsys.readouterr().out
    assert training.settle(TrainConfig(batch_size=70), few).batch_size == 70


def test_init_bundled_is_the_file_behind_the_bundled_network(tmp_path: Path) -> None:
    few = load_fer2013(synthetic.write_folder(tmp_path / "fer"))
    init = training.settle(TrainConfig(init="bundled"), few).init
    assert init is not None
    assert Path(init).suffix == ".keras"
    asked = parse(["--init", "bundled", "--epochs", "1"])
    assert asked.arch == network_name(load_network(init).name)
    assert asked.optimizer == RECIPES[asked.arch].optimizer
    assert parse(["--init", init, "--epochs", "1"]).arch == asked.arch
    assert parse(["--init", "bundled", "--arch", "resnet18"]).arch == "resnet18"
    assert recipe("bundled", epochs=1) == asked
    assert parse(["--init", str(RESULTS / "compact-5/model.keras")]).arch == "compact"


def test_a_file_that_is_no_network_is_refused_as_init(tmp_path: Path) -> None:
    junk = tmp_path / "junk.keras"
    junk.write_bytes(b"junk")
    assert arch_of(str(junk)) == "compact"
    with pytest.raises(ConfigError, match=r"a \.keras file"):
        recipe(str(tmp_path / "none.keras"))


@pytest.mark.parametrize(("accuracy", "said"), [(1 / 7, True), (0.9, False)])
def test_it_says_when_nothing_was_learned(
    accuracy: float, said: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from train.fit import Result
    from train.models import ARCHITECTURES

    model = ARCHITECTURES["compact"]((48, 48, 1), ("label",))
    public = load_fer2013(synthetic.write_folder(tmp_path / "fer")).split("PublicTest")
    training.say_if_nothing_was_learned(Result(model, [{"val_accuracy": accuracy}]), public)
    assert ("Nothing was learned" in capsys.readouterr().out) == said
