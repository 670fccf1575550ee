"""`python -m benchmarks.steadiness`: how stable, quick and honest the shown label is, by threshold and hysteresis.

A track is an image of FER-2013's PublicTest as a camera would see it, moved and lit slightly differently in each
frame; after three seconds another image follows. The votes of FER+'s ten people are the truth: if they agree, the
label should be shown; if they disagree, it should be `uncertain`.
"""

import argparse
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import to_markdown
from edge.command_line import CommandParser, run_command
from edge.config import EdgeConfig
from edge.errors import DataError
from edge.interpreter import EmotionClassifier
from edge.model_info import PEOPLE
from edge.results import Probabilities
from edge.smoothing import Smoother
from train.augment import Augmentation, augment
from train.data import Dataset, find_data, load_fer2013, votes_beside
from train.votes import NOBODY, clear_majority

FPS, PART_S, SETTLED_S = 15, 3, 1
"""Frames per second, seconds per image, and seconds after which the label should be stable."""
CAMERA = Augmentation(
    rotation=3, shift=0.03, shear=0, zoom=0.03, flip=False, brightness=0.03, contrast=0.05, camera=0.1
)
"""The changes between two frames of the same face."""
THRESHOLDS, HYSTERESES = (0.3, 0.4, 0.45, 0.5, 0.55, 0.6), (0.0, 0.05, 0.1, 0.15, 0.2)


@dataclass(frozen=True)
class Tracks:
    """The scores of tracks, (tracks, frames, labels), and what people said of the image in each half."""

    scores: Probabilities
    truth: NDArray[np.int64]
    """(tracks, 2): the class of a clear majority, or NOBODY."""


def simulate(dataset: Dataset, classifier: EmotionClassifier, count: int, seed: int) -> Tracks:
    """Make tracks of images drawn by the seed, with the classifier's scores."""
    assert dataset.votes is not None
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(len(dataset))[: 2 * count].reshape(-1, 2)
    scores = [[_watch(dataset.images[index], classifier, generator) for index in pair] for pair in chosen]
    truth = clear_majority(dataset.votes)[chosen]
    return Tracks(np.array([np.concatenate(parts) for parts in scores]), truth)


def figures(tracks: Tracks, threshold: float, hysteresis: float, smoothing_s: float) -> dict[str, float]:
    """The figures of a setting: shares in [0, 1], label changes per minute of a still face, seconds to a new label."""
    shown = np.array([_shown(scores, threshold, hysteresis, smoothing_s) for scores in tracks.scores])
    halves = shown.reshape(len(shown), 2, PART_S * FPS)
    settled = halves[:, :, SETTLED_S * FPS :]
    agreed = tracks.truth != NOBODY
    told = settled != NOBODY
    steady_minutes = settled.size / FPS / 60
    return {
        "told where people agree": told[agreed].mean(),
        "right of those": (settled == tracks.truth[..., np.newaxis])[agreed][told[agreed]].mean(),
        "uncertain where they disagree": 1 - told[~agreed].mean(),
        "changes per minute": (np.diff(settled, axis=2) != 0).sum() / steady_minutes,
        "seconds to the new label": _delay_s(halves, tracks.truth),
    }


def _watch(image: NDArray[np.uint8], classifier: EmotionClassifier, generator: np.random.Generator) -> Probabilities:
    frames = augment(np.repeat(image[np.newaxis], PART_S * FPS, 0), CAMERA, generator, image.shape[0])
    return classifier.predict(frames[..., np.newaxis])


def _shown(scores: Probabilities, threshold: float, hysteresis: float, smoothing_s: float) -> NDArray[np.int64]:
    smoother = Smoother(smoothing_s, hysteresis, threshold)
    shown = []
    for number, row in enumerate(scores):
        smoother.update(row, number / FPS)
        shown.append(NOBODY if smoother.shown is None else smoother.shown)
    return np.array(shown)


def _delay_s(halves: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """The median time until the second image's label is shown, if people agree on it and the label is right."""
    rows = (truth != NOBODY).all(1) & (truth[:, 0] != truth[:, 1])
    hits = halves[rows, 1] == truth[rows, 1, np.newaxis]
    return float(np.median(hits.argmax(1)[hits.any(1)])) / FPS


def _run(arguments: argparse.Namespace) -> int:
    data = find_data(arguments.data)
    dataset = load_fer2013(data, arguments.ferplus or votes_beside(data)).split("PublicTest")
    if dataset.votes is None or not len(dataset):
        raise DataError("Expected PublicTest images with FER+ votes: --data, --ferplus. Received: none")
    model = EdgeConfig(model=arguments.model).model_path
    tracks = simulate(dataset, EmotionClassifier(model, scores=PEOPLE), arguments.tracks, seed=0)
    rows = [
        {"threshold": threshold, "hysteresis": hysteresis}
        | figures(tracks, threshold, hysteresis, arguments.smoothing_s)
        for threshold, hysteresis in itertools.product(THRESHOLDS, HYSTERESES)
    ]
    sys.stdout.write(to_markdown(rows) + "\n")
    return 0


def main() -> int:
    """Run the command; return its exit code."""
    parser = CommandParser("python -m benchmarks.steadiness", description=__doc__)
    parser.add_argument("--data", help="FER-2013: folder, zip or csv (default: the variable FER2013, else data/)")
    parser.add_argument("--ferplus", type=Path, help="csv with FER+ votes (default: ferplus.csv beside the data)")
    parser.add_argument("--model", default="int8", help="a .tflite file, or a bundled one of int8, float16")
    parser.add_argument("--tracks", type=int, default=600, help="how many tracks to simulate")
    parser.add_argument("--smoothing-s", type=float, default=0.3, help="time constant of the smoothed scores")
    arguments = parser.parse_args()
    return run_command(lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
