"""Writes the report of a run: report.json, report.md, and images of its curves, samples and confusions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edge.files import replacing
from edge.model_info import LABELS, PEOPLE
from train.augment import Augmentation, augment
from train.data import Dataset
from train.evaluate import TRUTH_OF, Score, Scores, rows_of, truths
from train.markdown import table
from train.measures import calibration_curve
from train.predict import Predict

matplotlib.use("Agg")

_FIGURES = ("head", "right is", "split", "images", "accuracy", "macro-F1", "ECE")
SAMPLE_LABEL = "surprise"  # the original system showed samples of this class


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path) as part:
        part.write_text(text)


def save_figure(path: Path, figure: Figure) -> None:
    """Write a figure as PNG, whole or not at all."""
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=110, bbox_inches="tight")
    pyplot.close(figure)


def write_report(folder: Path, facts: dict[str, Any], scores: Scores, history: list[dict[str, float]]) -> None:
    """Write report.json, report.md, history.json, curves.png, and each head's confusion matrices by its own truth."""
    plain = {
        head: {truth: {split: score.as_dict() for split, score in splits.items()} for truth, splits in by_truth.items()}
        for head, by_truth in scores.items()
    }
    write_text(folder / "report.json", json.dumps({**facts, "scores": plain}, indent=1) + "\n")
    write_text(folder / "history.json", json.dumps(history, indent=1) + "\n")
    write_text(folder / "report.md", markdown(facts, scores))
    if history:
        save_figure(folder / "curves.png", draw_curves(history))
    for head, by_truth in scores.items():
        for split, score in by_truth.get(TRUTH_OF.get(head, ""), {}).items():
            name = f"confusion_{head}_{split.replace(' ', '_')}.png"
            save_figure(folder / name, draw_confusion(score, f"{head}, {split}"))


def markdown(facts: dict[str, Any], scores: Scores) -> str:
    """The report as Markdown for people."""
    title = f"# {facts['arch']}: {facts['parameters']:,} parameters, {facts['multiply_adds'] / 1e6:.1f} M multiply-adds"
    rows = rows_of(scores)
    lines = [
        title,
        "",
        f"Trained on {facts['training_images']:,} images for {facts['epochs']} epochs "
        f"({facts['training_minutes']:.1f} minutes, {facts['images_per_second']:.0f} images per second, "
        f"Keras {facts['versions']['keras']} on {facts['backend']}); targets: {facts['targets']}. "
        f"The best epoch was chosen on {facts['selected_on']} by {facts['selected_by']}. No test-time augmentation. "
        "Intervals are of 95%: Wilson's for accuracy and recall, bootstrap for the others. The calibration error (ECE) "
        "compares a score with the share of votes, or with the label.",
        "",
        *table(_FIGURES, [(head, truth, split, f"{s.count:,}", *_figures(s)) for head, truth, split, s in rows]),
        "",
        "Recall:",
        "",
        *table((*_FIGURES[:3], *LABELS), [(head, truth, split, *_recalls(s)) for head, truth, split, s in rows]),
        "",
        f"Command: `{facts['command']}`",
    ]
    return "\n".join(lines) + "\n"


def draw_reliability(predict: Predict, dataset: Dataset) -> Figure:
    """Plot how often each head's best label is right, against its score; the diagonal is perfect calibration."""
    known, outputs = truths(dataset), predict(dataset.images)
    figure, axes = pyplot.subplots(1, len(outputs), figsize=(5 * len(outputs), 4.6), squeeze=False)
    for axis, (head, probabilities) in zip(axes.flat, outputs.items(), strict=True):
        truth = known[TRUTH_OF[head]].shares
        rows = truth.sum(1) > 0
        scores, shares, sizes = calibration_curve(probabilities[rows], truth[rows])
        error = float(np.sum(np.abs(scores - shares) * sizes))
        axis.plot([0, 1], [0, 1], color="gray", linestyle="--")
        axis.plot(scores, shares, marker="o")
        axis.bar(scores, sizes, width=0.03, alpha=0.3, label="share of the images")
        says = "mean share of votes for it" if head == PEOPLE else "share labelled so"
        axis.set(xlabel=f"{head}: score of the best label", ylabel=says, xlim=(0, 1), ylim=(0, 1))
        axis.set_title(f"{rows.sum():,} images, calibration error {error:.3f}")
        axis.legend()
    return figure


def _figures(score: Score) -> tuple[str, ...]:
    accuracy = f"{score.accuracy:.2%} ({score.interval[0]:.2%} to {score.interval[1]:.2%})"
    f1 = f"{score.macro_f1:.3f} ({score.macro_f1_interval[0]:.3f} to {score.macro_f1_interval[1]:.3f})"
    low, high = score.calibration_interval
    return accuracy, f1, f"{score.calibration_error:.3f} ({low:.3f} to {high:.3f})"


def _recalls(score: Score) -> list[str]:
    def cell(label: str) -> str:
        if label not in score.recall:
            return ""
        low, high = score.recall_interval[label]
        return f"{score.recall[label]:.2f} ({low:.2f} to {high:.2f})"

    return [cell(label) for label in LABELS]


def draw_curves(history: list[dict[str, float]]) -> Figure:
    """Plot the accuracy and loss of each head over the epochs, for training and validation."""
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4))
    epochs = np.arange(1, len(history) + 1)
    heads = [name.removesuffix("accuracy") for name in history[0] if not name.startswith("val_") and "accuracy" in name]
    for axis, name in zip(axes, ("accuracy", "loss"), strict=True):
        for head, color in zip(heads, ("tab:blue", "tab:orange"), strict=False):
            what = head.rstrip("_")
            axis.plot(
                epochs, [row[head + name] for row in history], color=color, linestyle=":", label=f"{what} training"
            )
            axis.plot(epochs, [row[f"val_{head}{name}"] for row in history], color=color, label=f"{what} validation")
        axis.set(xlabel="epoch", ylabel=name)
        axis.grid(alpha=0.3)
        axis.legend()
    return figure


def draw_confusion(score: Score, title: str) -> Figure:
    """Plot a confusion matrix: shares of each true class, with counts."""
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
    """Write samples.png and samples_augmented.png: twelve images of one class, before and after augmentation."""
    chosen = np.flatnonzero(train.labels == LABELS.index(SAMPLE_LABEL))[:12]
    images = train.images[chosen]
    changed = augment(images, options, np.random.default_rng(seed), images.shape[1]) if len(images) else images
    save_figure(folder / "samples.png", draw_grid(images, lambda _: "", f"{SAMPLE_LABEL}, as they are"))
    save_figure(folder / "samples_augmented.png", draw_grid(changed, lambda _: "", f"{SAMPLE_LABEL}, augmented"))


def draw_grid(images: NDArray[np.uint8], caption: Callable[[int], str], title: str, columns: int = 6) -> Figure:
    """Draw images (n, height, width) or (n, height, width, 3) in a grid, with a caption each."""
    rows = max(1, -(-len(images) // columns))
    figure, axes = pyplot.subplots(rows, columns, figsize=(columns * 1.5, rows * 1.75 + 0.4), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for index, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.set_title(caption(index), fontsize=7)
    figure.suptitle(title)
    return figure
