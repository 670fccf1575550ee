"""`python -m train.analyze model.keras`: show where a network is wrong, on a page of images and tables."""

if __name__ == "__main__":  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.command_line import need_extra
    from edge.interrupts import end_quietly

    end_quietly()
    need_extra("train", "keras", "matplotlib")

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when Keras is imported: errors only

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edge.command_line import CommandParser, run_command
from edge.errors import ConfigError, DataError
from edge.model_info import LABEL, LABELS, PEOPLE
from edge.results import Probabilities
from train import measures
from train.data import BESIDE, SPLITS, Dataset, load_fer2013
from train.evaluate import OWN_LABEL, TRUTH_OF, Truth, truths
from train.markdown import table
from train.predict import load_network, predictor
from train.report import draw_grid, save_figure, write_text
from train.saliency import grad_cam, overlay
from train.votes import NOBODY, vote_shares

SHOWN = 24


@dataclass(frozen=True)
class Predictions:
    """A data set with a network's predictions."""

    dataset: Dataset
    probabilities: Probabilities
    head: str = LABEL

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(n,)."""
        return self.probabilities.argmax(1)

    @property
    def truth(self) -> Truth:
        """What counts as right for this head; all images in the data set have it."""
        return truths(self.dataset)[TRUTH_OF.get(self.head, OWN_LABEL)]

    @property
    def right(self) -> NDArray[np.bool_]:
        """(n,)."""
        return self.predicted == self.truth.classes

    def caption(self, index: int) -> str:
        """A caption such as 'sad, not fear 0.93': the prediction, the label if it differs, the network's confidence."""
        said, label = LABELS[self.predicted[index]], LABELS[self.truth.classes[index]]
        return f"{said}{'' if said == label else f', not {label}'} {self.probabilities[index].max():.2f}"


def analyze(model: keras.Model, dataset: Dataset, folder: Path, scores: str = PEOPLE) -> None:
    """Write analysis.md and its images into `folder`, for the head `scores`, or for the only head."""
    predictions = predict(model, dataset, scores)
    mistakes = confident_mistakes(predictions)
    images = predictions.dataset.images[mistakes]
    save_figure(
        folder / "mistakes.png", draw_grid(images, lambda i: predictions.caption(mistakes[i]), "sure and wrong")
    )
    maps = grad_cam(model, images, predictions.predicted[mistakes], predictions.head)
    heated = np.stack([overlay(image, heat) for image, heat in zip(images, maps, strict=True)])
    title = "Grad-CAM: what speaks for the mistake"
    save_figure(folder / "grad_cam.png", draw_grid(heated, lambda i: predictions.caption(mistakes[i]), title))
    save_figure(folder / "calibration.png", draw_calibration(predictions))
    save_figure(folder / "light.png", draw_light(predictions))
    write_text(folder / "analysis.md", markdown(predictions))


def predict(model: keras.Model, dataset: Dataset, scores: str) -> Predictions:
    """Predict the images for which it is known what is right for the head `scores`."""
    outputs = predictor(model)(dataset.images)
    head = scores if scores in outputs else next(iter(outputs))
    truth = truths(dataset).get(TRUTH_OF.get(head, OWN_LABEL))
    if truth is None:
        raise DataError(f"Expected FER+ votes in --ferplus for the {head} head, or --scores label. Received: none")
    known = np.flatnonzero((truth.classes != NOBODY) & (truth.classes < len(LABELS)))
    return Predictions(dataset.take(known), outputs[head][known], head)


def confident_mistakes(predictions: Predictions, count: int = SHOWN) -> NDArray[np.int64]:
    """Indices of the wrong predictions with the highest confidence, highest first."""
    wrong = np.flatnonzero(~predictions.right)
    return wrong[np.argsort(-predictions.probabilities[wrong].max(1), kind="stable")][:count]


def confusion_pairs(predictions: Predictions) -> list[tuple[str, str, int, float]]:
    """(true, predicted, images, share of the true class), most frequent first."""
    matrix = measures.confusion_matrix(predictions.probabilities, predictions.truth.classes)
    totals = np.maximum(matrix.sum(1), 1)
    pairs = [
        (LABELS[row], LABELS[column], int(matrix[row, column]), float(matrix[row, column] / totals[row]))
        for row, column in np.ndindex(*matrix.shape)
        if row != column and matrix[row, column]
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def accuracy_by(quantity: NDArray[np.float64], right: NDArray[np.bool_], parts: int = 8) -> list[tuple[float, float]]:
    """(mean of the quantity, accuracy) for groups of equally many images, sorted by the quantity."""
    groups = np.array_split(np.argsort(quantity, kind="stable"), min(parts, len(quantity)))
    return [(float(quantity[group].mean()), float(right[group].mean())) for group in groups]


def accuracy_by_vote(predictions: Predictions) -> list[tuple[str, int, float, float]]:
    """Two rows, by whether FER+'s majority is the label: (name, images, accuracy on the label, agreement with FER+)."""
    votes = predictions.dataset.votes
    if votes is None:
        return []
    shares = vote_shares(votes)
    voted, majority = shares.any(1), shares.argmax(1)
    agrees = majority == predictions.dataset.labels
    says_label = predictions.predicted == predictions.dataset.labels
    rows = []
    for name, mask in (("voters say the label", voted & agrees), ("voters say another", voted & ~agrees)):
        if mask.any():
            says_votes = (predictions.predicted == majority)[mask].mean()
            rows.append((name, int(mask.sum()), float(says_label[mask].mean()), float(says_votes)))
    return rows


def draw_calibration(predictions: Predictions) -> Figure:
    """Plot the best label's share of votes, or its accuracy, against its score; the diagonal is perfect."""
    truth = predictions.truth.shares
    confidences, accuracies, shares = measures.calibration_curve(predictions.probabilities, truth)
    error = measures.calibration_error(predictions.probabilities, truth)
    figure, axis = pyplot.subplots(figsize=(5, 5))
    axis.plot([0, 1], [0, 1], color="gray", linestyle="--")
    axis.plot(confidences, accuracies, marker="o")
    axis.bar(confidences, shares, width=0.03, alpha=0.3, label="share of the images")
    axis.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title=f"ECE {error:.3f}")
    axis.legend()
    return figure


def draw_light(predictions: Predictions) -> Figure:
    """Plot the accuracy by the image's brightness and contrast."""
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.5), sharey=True)
    for axis, (name, values) in zip(axes, _light(predictions.dataset).items(), strict=True):
        axis.plot(*zip(*accuracy_by(values, predictions.right), strict=True), marker="o")
        axis.set(xlabel=f"{name} (grey levels)", ylabel="accuracy")
        axis.grid(alpha=0.3)
    return figure


def markdown(predictions: Predictions) -> str:
    """The page."""
    pairs = [(t, p, n, f"{share:.1%}") for t, p, n, share in confusion_pairs(predictions)[:12]]
    votes = [(name, n, f"{a:.1%}", f"{s:.1%}") for name, n, a, s in accuracy_by_vote(predictions)]
    page = f"""# Where the network is wrong

The `{predictions.head}` head is right on {predictions.right.mean():.2%} of {len(predictions.dataset):,} images.
Right is: {TRUTH_OF.get(predictions.head, OWN_LABEL)}.

## Sure and wrong
![The mistakes with the highest confidence](mistakes.png)
![Grad-CAM of the same images](grad_cam.png)

## Confusions
{_lines(("true", "predicted", "images", "of the class"), pairs)}

## Confidence
![Accuracy against confidence](calibration.png)

## Light
![Accuracy by brightness and contrast](light.png)
"""
    if votes:
        page += f"""
## Where FER+'s voters disagree with the label
{_lines(("", "images", "right by the label", "says what FER+ says"), votes)}
"""
    return page


def _lines(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join(table(head, rows))


def _light(dataset: Dataset) -> dict[str, NDArray[np.float64]]:
    return {"brightness": dataset.images.mean((1, 2)), "contrast": dataset.images.std((1, 2))}


def build_parser() -> CommandParser:
    """The options."""
    parser = CommandParser("python -m train.analyze", description=__doc__)
    parser.add_argument("model", help="a .keras file")
    parser.add_argument("--data", action="append", help="as for python -m train (default: variable FER2013, or data/)")
    parser.add_argument(
        "--crop", action="store_true", help="images larger than 64 pixels are whole photographs: crop them"
    )
    parser.add_argument("--ferplus", help="csv with FER+ votes (default: ferplus.csv beside the data, if it exists)")
    parser.add_argument("--scores", default=PEOPLE, choices=(PEOPLE, LABEL), help="the head to analyze")
    parser.add_argument("--split", default="PrivateTest", choices=(*SPLITS, "Test"), help="the images to use")
    parser.add_argument("--out", help="folder for the page (default: analysis/ beside the model)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = build_parser().parse_args(argv)
    return run_command(lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    model = load_network(options.model)
    dataset = load_fer2013(options.data, options.ferplus or BESIDE, options.crop)
    there = ", ".join(sorted(set(dataset.splits.tolist())))
    dataset = dataset.split(options.split)
    if not len(dataset):
        raise DataError(f"Expected images of {options.split}, or another --split. Received: images of {there}")
    folder = Path(options.out or Path(options.model).parent / "analysis")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"Expected a folder that can be made in --out. Received: {folder}: {error}") from error
    analyze(model, dataset, folder, options.scores)
    sys.stdout.write(f"Wrote {folder / 'analysis.md'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
