"""A whole training run: data, model, fit, evaluation, report. `python -m train` runs it."""

import platform
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edge.errors import ConfigError, DataError
from edge.files import replacing
from edge.model_info import LABEL, LABELS, PEOPLE, Head, ModelInfo, network_sha256, write_model_info
from train.average import average_with
from train.bundled import BUNDLED, bundled_network
from train.checkpoint import find_checkpoint
from train.config import RECIPES, TrainConfig
from train.data import BESIDE, Dataset, describe, limit, load_fer2013, stratified_split
from train.evaluate import Scores, accuracies, evaluate
from train.face_images import CROP_MARGIN
from train.fit import Result, build, fit, join_cluster, start_from, validation_metric
from train.models import count_multiply_adds
from train.predict import predictor
from train.report import draw_reliability, save_figure, write_report, write_samples
from train.targets import heads_of
from train.temperature import calibrate

MODEL = "model.keras"
SMALL = 8
"""The least number of steps per epoch: if there are too few images for them, batches become smaller."""


def train(config: TrainConfig) -> Scores:
    """Run a whole training; it writes model.keras, the report and its images to `config.out`."""
    join_cluster()
    dataset = read_data(config)
    config = settle(config, dataset)
    training, validation = split_for_selection(dataset, config)
    folder = make_folder(config)
    write_samples(folder, training, config.augmentation, config.seed)
    result = fit(training, validation, config)
    say_if_nothing_was_learned(result, validation)
    share = 0.0
    if config.average_init and config.init:
        start = build(config, heads_of(training), size=48, precision="float32")
        start_from(config.init, start)
        share = average_with(result.model, start.get_weights(), training, validation, config.seed)
    temperatures = calibrate(result.model, validation)
    scores = evaluate(predictor(result.model), dataset)
    save_model(folder / MODEL, result.model, scores, config)
    found = {"init_share": share, "temperatures": temperatures}
    write_report(folder, {**facts(config, result, len(training)), **found}, scores, result.history)
    save_figure(folder / "reliability.png", draw_reliability(predictor(result.model), validation))
    return scores


def read_data(config: TrainConfig) -> Dataset:
    """Read the images of all places in the configuration, with the votes that it asks for."""
    votes = None if config.heads == "label" else config.ferplus or BESIDE
    dataset = load_fer2013(config.places, votes, config.crop)
    if dataset.votes is None and config.heads == "both":
        raise DataError("Expected FER+ votes for --heads both: give their csv with --ferplus. Received: none that fit")
    if dataset.votes is None and config.heads == "auto":
        _tell("No FER+ votes beside the data or in --ferplus: training the label head only")
    if config.limit:
        dataset = limit(dataset, config.limit, config.seed)
    _tell(describe(dataset))
    return dataset


def settle(config: TrainConfig, dataset: Dataset) -> TrainConfig:
    """Fill in what the configuration leaves to the data: what chooses the best epoch, the start, the batch size."""
    init = str(bundled_network()) if config.init == BUNDLED else config.init
    return fit_to_size(replace(config, select_on=_choose_selection(config, dataset), init=init), dataset)


def fit_to_size(config: TrainConfig, dataset: Dataset) -> TrainConfig:
    """Use smaller batches for few images, unless the user chose a size: the recipe's fits FER-2013's 28,709 images."""
    images = len(dataset.split("Training"))
    most = max(1, images // SMALL)
    if config.batch_size != RECIPES[config.arch].batch_size or config.batch_size <= most:
        return config
    rate = config.learning_rate * most / config.batch_size
    _tell(f"Only {images} training images: batches of {most}, learning rate {rate:.2g}")
    return replace(config, batch_size=most, learning_rate=rate)


def split_for_selection(dataset: Dataset, config: TrainConfig) -> tuple[Dataset, Dataset]:
    """The images to train on, and those that choose the best epoch; PrivateTest is never used.

    Raises:
        DataError: no class has an image to spare.
    """
    training = dataset.split("Training")
    if config.select_on == "PublicTest":
        return training, dataset.split("PublicTest")
    rest, held_out = stratified_split(training.labels, config.select_share, config.seed, keep=1)
    if not len(held_out):
        raise DataError(
            f"Expected a class with two or more images, to hold one back. Received: {len(rest)}, all single"
        )
    if single := [LABELS[label] for label in np.setdiff1d(training.labels, training.labels[held_out])]:
        _tell(f"Too few images to hold one back: {', '.join(single)}")
    return training.take(rest), training.take(held_out)


def make_folder(config: TrainConfig) -> Path:
    """Make the run's folder.

    Raises:
        ConfigError: it holds a run but --resume is missing, or there is no run to resume, or it can't be made.
    """
    folder = Path(config.out)
    if config.resume and not find_checkpoint(folder):
        raise ConfigError(f"Expected an interrupted run in --out to --resume. Received: {folder} without a checkpoint")
    if not config.resume and (find_checkpoint(folder) or (folder / MODEL).exists()):
        raise ConfigError(f"Expected --resume, or another folder in --out. Received: {folder}, which holds a run")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"Expected a folder that can be made in --out. Received: {folder}: {error}") from error
    return folder


def say_if_nothing_was_learned(result: Result, validation: Dataset) -> None:
    """Print a line if the best epoch is no better than always answering the most frequent class."""
    head = next(iter(result.model.output))
    best = max((row[validation_metric(tuple(result.model.output))] for row in result.history), default=0.0)
    if head != LABEL or not len(validation):
        return
    most = np.bincount(validation.labels).max() / len(validation)
    if best <= most:
        _tell(
            f"Nothing was learned: right on {best:.1%}; always saying the most frequent class is right on {most:.1%}. "
            "Give more images or --epochs, start with --init bundled, or try another --learning-rate",
        )


def save_model(path: Path, model: keras.Model, scores: Scores, config: TrainConfig) -> None:
    """Write the .keras file with its contract inside, whole or not at all."""
    with replacing(path) as part:
        model.save(part)
        info = ModelInfo(
            name=config.arch,
            heads=tuple(
                Head(head, trained_on=trained_on(head, config), accuracy=accuracies(scores, head))
                for head in model.output
            ),
            crop_margin=CROP_MARGIN,
            keras_sha256=network_sha256(part),
            versions={"keras": keras.__version__, "python": platform.python_version()},
        )
        write_model_info(part, info)


def trained_on(head: str, config: TrainConfig) -> str:
    """What a head was trained on, in words."""
    words = "the shares of FER+ votes" if head == PEOPLE else "FER-2013 labels"
    if head == LABEL and config.blend and config.heads != "label":
        words += f", {config.blend:.0%} of each what FER-2013 calls images that were voted alike"
    return words + (f"; {config.distill_share:.0%} from teachers that have this head" if config.teachers else "")


def facts(config: TrainConfig, result: Result, training_images: int) -> dict[str, Any]:
    """The facts about the run for the report."""
    seconds = sum(row["seconds"] for row in result.history)
    steps = training_images // config.batch_size
    chooser = validation_metric(tuple(result.model.output))
    return {
        "arch": config.arch,
        "parameters": result.model.count_params(),
        "multiply_adds": count_multiply_adds(result.model),
        "training_images": training_images,
        "epochs": len(result.history),
        "training_minutes": seconds / 60,
        "images_per_second": steps * config.batch_size * len(result.history) / max(seconds, 1e-9),
        "targets": "; ".join(f"{head}: {trained_on(head, config)}" for head in result.model.output),
        "selected_on": config.validation_split,
        "selected_by": f"the {next(iter(result.model.output))} head",
        "best_validation_accuracy": max((row[chooser] for row in result.history), default=0.0),
        "backend": keras.backend.backend(),
        "versions": {"keras": keras.__version__, "numpy": np.__version__, "python": platform.python_version()},
        "command": shlex.join(["python", "-m", "train", *sys.argv[1:]]),
        "config": config.as_dict(),
    }


def _choose_selection(config: TrainConfig, dataset: Dataset) -> str:
    if config.select_on == "split":
        return "split"
    if "PublicTest" in dataset.splits:
        return "PublicTest"
    if config.select_on == "PublicTest":
        there = ", ".join(sorted(set(dataset.splits.tolist())))
        raise DataError(f"Expected PublicTest images, or --select-on split. Received: images of {there}")
    _tell(f"No PublicTest images: {config.select_share:.0%} of Training picks the best epoch")
    return "split"


def _tell(line: str) -> None:
    """Print a line about the run to standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
