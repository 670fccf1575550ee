"""What a run leaves to read: report.json, report.md, and images of its curves, samples and confusions."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edge.model_info import LABELS
from train.augment import Augmentation, augment
from train.data import Dataset
from train.evaluate import Score

matplotlib.use("Agg")

SAMPLE_LABEL = "surprise"  # the class whose samples the original system showed


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    aside = path.with_name(path.name + ".part")
    aside.write_text(text)
    os.replace(aside, path)


def save_figure(path: Path, figure: Figure) -> None:
    """Write a PNG whole or not at all."""
    aside = path.with_name(path.name + ".part")
    figure.savefig(aside, format="png", dpi=110, bbox_inches="tight")
    pyplot.close(figure)
    os.replace(aside, path)


def write_report(
    folder: Path, facts: dict[str, Any], scores: dict[str, Score], history: list[dict[str, float]]
) -> None:
    """report.json, report.md, history.json, curves.png and a confusion matrix a group."""
    plain = {name: score.as_dict() for name, score in scores.items()}
    write_text(folder / "report.json", json.dumps({**facts, "scores": plain}, indent=2) + "\n")
    write_text(folder / "history.json", json.dumps(history, indent=1) + "\n")
    write_text(folder / "report.md", markdown(facts, scores))
    if history:
        save_figure(folder / "curves.png", draw_curves(history))
    for name, score in scores.items():
        save_figure(folder / f"confusion_{name.replace(' ', '_')}.png", draw_confusion(score, name))


def markdown(facts: dict[str, Any], scores: dict[str, Score]) -> str:
    """The report as people read it."""
    title = f"# {facts['arch']}: {facts['parameters']:,} parameters, {facts['multiply_adds'] / 1e6:.1f} M multiply-adds"
    lines = [
        title,
        "",
        f"Trained on {facts['training_images']:,} images for {facts['epochs']} epochs "
        f"({facts['training_minutes']:.1f} minutes, {facts['images_per_second']:.0f} images a second, "
        f"Keras {facts['versions']['keras']} on {facts['backend']}); targets: {facts['targets']}. "
        f"The best epoch was chosen on {facts['selected_on']}. No test-time augmentation.",
        "",
        "| group | images | accuracy | 95% interval | macro-F1 | ECE |",
        "| --- | ---: | ---: | :---: | ---: | ---: |",
        *(
            f"| {name} | {s.count:,} | {s.accuracy:.2%} | {s.interval[0]:.2%} to {s.interval[1]:.2%} "
            f"| {s.macro_f1:.3f} | {s.calibration_error:.3f} |"
            for name, s in scores.items()
        ),
        "",
        "Recall:",
        "",
        f"| group | {' | '.join(LABELS)} |",
        f"| --- |{' ---: |' * len(LABELS)}",
        *(
            f"| {name} | {' | '.join(f'{s.recall[label]:.2f}' if label in s.recall else '' for label in LABELS)} |"
            for name, s in scores.items()
        ),
        "",
        f"Command: `{facts['command']}`",
    ]
    return "\n".join(lines) + "\n"


def draw_curves(history: list[dict[str, float]]) -> Figure:
    """Accuracy and loss over the epochs, training and validation."""
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4))
    epochs = np.arange(1, len(history) + 1)
    for axis, name in zip(axes, ("accuracy", "loss"), strict=True):
        axis.plot(epochs, [row[name] for row in history], label="training (augmented)")
        axis.plot(epochs, [row[f"val_{name}"] for row in history], label="validation")
        axis.set(xlabel="epoch", ylabel=name)
        axis.grid(alpha=0.3)
        axis.legend()
    return figure


def draw_confusion(score: Score, title: str) -> Figure:
    """Shares of each true class, with counts."""
    matrix = np.array(score.confusion)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    figure, axis = pyplot.subplots(figsize=(6.5, 5.5))
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(LABELS)), LABELS, rotation=45, ha="right")
    axis.set_yticks(range(len(LABELS)), LABELS)
    axis.set(xlabel="predicted", ylabel="true", title=f"{title}: {score.accuracy:.2%} of {score.count:,}")
    for row, column in np.ndindex(*matrix.shape):
        color = "white" if shares[row, column] > 0.5 else "black"
        text = f"{shares[row, column]:.2f}\n{matrix[row, column]}"
        axis.text(column, row, text, ha="center", va="center", color=color, fontsize=8)
    return figure


def write_samples(folder: Path, train: Dataset, options: Augmentation, seed: int) -> None:
    """samples.png and samples_augmented.png: twelve images of one class, before and after augmentation."""
    chosen = np.flatnonzero(train.labels == LABELS.index(SAMPLE_LABEL))[:12]
    images = train.images[chosen]
    changed = augment(images, options, np.random.default_rng(seed), images.shape[1]) if len(images) else images
    save_figure(folder / "samples.png", draw_grid(images, lambda _: "", f"{SAMPLE_LABEL}, as they are"))
    save_figure(folder / "samples_augmented.png", draw_grid(changed, lambda _: "", f"{SAMPLE_LABEL}, augmented"))


def draw_grid(images: NDArray[np.uint8], caption: Callable[[int], str], title: str, columns: int = 6) -> Figure:
    """Images (n, height, width) or (n, height, width, 3) with a caption each."""
    rows = max(1, -(-len(images) // columns))
    figure, axes = pyplot.subplots(rows, columns, figsize=(columns * 1.5, rows * 1.75 + 0.4), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for index, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.set_title(caption(index), fontsize=7)
    figure.suptitle(title)
    return figure
