"""What the reference is made of, on generated faces whose labels a stand-in classifier knows."""

import numpy as np

from benchmarks import drift, evaluation, golden
from benchmarks.corruptions import CORRUPTIONS
from edge.model_info import LABELS
from edge.results import FaceInput, Probabilities
from train.data import Dataset

FACES = golden.generated_faces(40)


def by_brightness(faces: FaceInput) -> Probabilities:
    """Sure of a label that follows from the mean grey: stands in for a network."""
    classes = faces.mean(axis=(1, 2, 3)).astype(int) % len(LABELS)
    return np.eye(len(LABELS), dtype=np.float32)[classes]


def known_faces() -> Dataset:
    """Generated faces, labelled as `by_brightness` says, in both test splits by turns."""
    splits = np.array(["PublicTest", "PrivateTest"] * 20)
    names = np.array([f"face {index}" for index in range(40)])
    return Dataset(FACES[..., 0], by_brightness(FACES).argmax(axis=1), splits, names)


def test_every_metric_of_the_data_set_has_a_tolerance() -> None:
    metrics = evaluation.dataset_metrics(by_brightness, by_brightness, known_faces())
    metrics |= evaluation.robustness_metrics(by_brightness, known_faces(), count=10)
    assert drift.compare(metrics, metrics) == []
    assert {name.split("/")[0] for name in metrics} <= set(drift.TOLERANCES)
    assert sum(name.startswith("robustness/") for name in metrics) == 3 * len(CORRUPTIONS)


def test_a_perfect_classifier_is_perfect_on_every_split() -> None:
    metrics = evaluation.dataset_metrics(by_brightness, by_brightness, known_faces())
    for split in ("PublicTest", "PrivateTest", "test"):
        assert metrics[f"accuracy/{split}"] == 1.0
        assert metrics[f"calibration/{split}"] == 0.0
    assert metrics["agreement/float"] == 1.0
    assert metrics["kl/float"] == 0.0


def test_brightness_upsets_a_classifier_that_goes_by_it() -> None:
    metrics = evaluation.robustness_metrics(by_brightness, known_faces(), count=20)
    assert metrics["robustness/brighter/1"] < 0.6


def test_golden_metrics_of_the_same_outputs_are_the_best() -> None:
    metrics = evaluation.golden_metrics(by_brightness, by_brightness(golden.generated_faces(golden.COUNT)))
    assert metrics == {"golden/agreement": 1.0, "kl/golden": 0.0}
