"""`python -m train`: data, model, fit, evaluate, report, from top to bottom."""

if __name__.endswith("__main__"):  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.interrupts import end_quietly

    end_quietly()

import os

# Before Keras is imported: torch trains the fastest on a CPU, TensorFlow is what conversion needs anyway.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import platform
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edge.command_line import run_command
from edge.errors import ConfigError, DataError
from edge.files import replacing
from edge.model_info import LABEL, PEOPLE, Head, ModelInfo, network_sha256, write_model_info
from train.average import average_with
from train.config import TrainConfig, parse
from train.data import Dataset, describe, find_data, limit, load_fer2013, stratified_split, votes_beside
from train.evaluate import Scores, accuracies, evaluate, rows_of
from train.fit import Result, build, find_checkpoint, fit, join_cluster, start_from, validation_metric
from train.models import count_multiply_adds
from train.predict import predictor
from train.report import draw_reliability, save_figure, write_report, write_samples
from train.targets import heads_of
from train.temperature import calibrate

CROP_MARGIN = 0.1
"""What the network's crops add to a face box; docs/benchmarks.md compares margins by detector."""


def train(config: TrainConfig) -> Scores:
    """The whole run; leaves model.keras, the report and the images in `config.out`."""
    join_cluster()
    dataset = read_data(config)
    config = settle(config, dataset)
    training, validation = split_for_selection(dataset, config)
    folder = make_folder(config)
    write_samples(folder, training, config.augmentation, config.seed)
    result = fit(training, validation, config)
    share = 0.0
    if config.average_init and config.init:
        start = build(config, heads_of(training), size=48, precision="float32")
        start_from(config.init, start)
        share = average_with(result.model, start.get_weights(), training, validation, config.seed)
    temperatures = calibrate(result.model, validation)
    scores = evaluate(predictor(result.model), dataset)
    save_model(folder / "model.keras", result.model, scores, config)
    found = {"init_share": share, "temperatures": temperatures}
    write_report(folder, {**facts(config, result, len(training)), **found}, scores, result.history)
    save_figure(folder / "reliability.png", draw_reliability(predictor(result.model), validation))
    return scores


def read_data(config: TrainConfig) -> Dataset:
    """FER-2013 with the votes that the configuration asks for."""
    votes = config.ferplus or votes_beside(find_data(config.data)) if config.heads != "label" else None
    if votes is None and config.heads == "both":
        raise DataError("Expected FER+ votes for --heads both: give their csv with --ferplus. Received: none")
    if votes is None and config.heads == "auto":
        print("No FER+ votes beside the data or in --ferplus: training the label head only", flush=True)
    dataset = load_fer2013(config.data, votes)
    if config.limit:
        dataset = limit(dataset, config.limit, config.seed)
    print(describe(dataset), flush=True)
    return dataset


def settle(config: TrainConfig, dataset: Dataset) -> TrainConfig:
    """The configuration with what it leaves to the data: what to learn from, and what picks the best epoch."""
    return replace(config, select_on=_choose_selection(config, dataset))


def split_for_selection(dataset: Dataset, config: TrainConfig) -> tuple[Dataset, Dataset]:
    """What is trained on, and what picks the best epoch; never PrivateTest."""
    training = dataset.split("Training")
    if config.select_on == "PublicTest":
        return training, dataset.split("PublicTest")
    rest, held_out = stratified_split(training.labels, config.select_share, config.seed)
    return training.take(rest), training.take(held_out)


def make_folder(config: TrainConfig) -> Path:
    """The run's folder; a ConfigError when there is nothing to resume in it, or it can't be made."""
    folder = Path(config.out)
    if config.resume and not find_checkpoint(folder):
        raise ConfigError(f"Expected an interrupted run in --out to --resume. Received: {folder} without a checkpoint")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"Expected a folder that can be made in --out. Received: {folder}: {error}") from error
    return folder


def save_model(path: Path, model: keras.Model, scores: Scores, config: TrainConfig) -> None:
    """The .keras file with its contract inside, whole or not at all."""
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
    """What a head learned, in words."""
    words = "the shares of FER+ votes" if head == PEOPLE else "FER-2013 labels"
    if head == LABEL and config.blend and config.heads != "label":
        words += f", {config.blend:.0%} of each what FER-2013 calls images that were voted alike"
    return words + (f"; {config.distill_share:.0%} from a teacher, if it has this head" if config.distill else "")


def facts(config: TrainConfig, result: Result, training_images: int) -> dict[str, Any]:
    """What the report says of the run."""
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
    print(f"No PublicTest images: {config.select_share:.0%} of Training picks the best epoch", flush=True)
    return "split"


def _main() -> int:
    config = parse()
    scores = train(config)
    for head, truth, split, score in rows_of(scores):
        low, high = score.interval
        print(f"{head}, {truth}, {split}: {score.accuracy:.2%} of {score.count:,} (95%: {low:.2%} to {high:.2%})")
    print(f"Wrote {Path(config.out) / 'model.keras'} and report.md beside it")
    return 0


def main() -> int:
    """The exit code of the command line."""
    return run_command(_main)


if __name__ == "__main__":
    sys.exit(main())
