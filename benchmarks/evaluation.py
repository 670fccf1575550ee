"""What is measured of the shipped models: on generated faces anywhere, on FER-2013 where it lies."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import golden, models
from benchmarks.corruptions import CORRUPTIONS, STRENGTHS
from benchmarks.models import Predict
from edge.model_info import LABELS
from edge.results import FaceInput, Probabilities
from train import measures
from train.data import Dataset
from train.measures import Labels

REFERENCE = Path(__file__).parent / "reference"
ACCURACY = REFERENCE / "accuracy.json"
SPLITS = {"PublicTest": ("PublicTest",), "PrivateTest": ("PrivateTest",), "test": ("PublicTest", "PrivateTest", "Test")}
ROBUSTNESS_COUNT = 400
"""Faces of PrivateTest for each corruption and strength: 2.5 points of standard error, the same faces every time."""


def golden_metrics(predict: Predict, outputs: Probabilities) -> dict[str, float]:
    """Agreement with, and divergence from, the committed outputs for the generated faces."""
    measured = predict(golden.generated_faces(len(outputs)))
    return {
        "golden/agreement": measures.agreement(measured, outputs),
        "kl/golden": measures.kl_divergence(measured, outputs),
    }


def dataset_metrics(predict: Predict, predict_float: Predict, test: Dataset) -> dict[str, float]:
    """Accuracy by split, recall by class, calibration, and how far it is from the float network."""
    probabilities, floats = predict(test.images[..., np.newaxis]), predict_float(test.images[..., np.newaxis])
    metrics = {"agreement/float": measures.agreement(probabilities, floats)}
    metrics["kl/float"] = measures.kl_divergence(probabilities, floats)
    for name, splits in SPLITS.items():
        rows = np.isin(test.splits, splits)
        if rows.any():
            metrics |= _split_metrics(name, probabilities[rows], test.labels[rows])
    return metrics


def robustness_metrics(predict: Predict, test: Dataset, count: int = ROBUSTNESS_COUNT) -> dict[str, float]:
    """Accuracy under each corruption at each strength, on a fixed draw of PrivateTest."""
    faces, labels = _drawn(test, count)
    return {
        f"robustness/{name}/{strength}": measures.accuracy(predict(change(faces, strength)), labels)
        for name, change in CORRUPTIONS.items()
        for strength in STRENGTHS
    }


def generated_dataset(variant: str) -> Dataset:
    """The generated faces, labelled as the committed outputs are: for `robustness_metrics` without the data set."""
    labels, count = read_golden(variant).argmax(axis=1), golden.COUNT
    names = np.array([f"generated {index}" for index in range(count)])
    return Dataset(golden.generated_faces()[..., 0], labels, np.full(count, "PrivateTest"), names)


def golden_file(variant: str) -> Path:
    """Where the committed outputs of a variant for the generated faces are: a row a face, a column a label."""
    return REFERENCE / f"golden_{variant}.csv"


def read_golden(variant: str) -> Probabilities:
    """The committed outputs (faces, labels)."""
    return np.loadtxt(golden_file(variant), np.float32, delimiter=",")


def read_reference() -> dict[str, Any]:
    """The committed reference: `generated_faces_sha256`, and `variants` with `sha256` and `metrics` of each."""
    reference: dict[str, Any] = json.loads(ACCURACY.read_text())
    return reference


def measure_all(variants: Mapping[str, Path], test: Dataset) -> dict[str, dict[str, float]]:
    """Variant to every metric that needs the data set."""
    baseline = models.predictor(variants[models.float_variant(dict(variants))])
    measured = {}
    for name, file in variants.items():
        predict = models.predictor(file)
        measured[name] = dataset_metrics(predict, baseline, test) | robustness_metrics(predict, test)
    return measured


def _split_metrics(name: str, probabilities: Probabilities, labels: Labels) -> dict[str, float]:
    recalls = measures.recall_by_class(probabilities, labels, LABELS)
    return {
        f"accuracy/{name}": measures.accuracy(probabilities, labels),
        f"calibration/{name}": measures.calibration_error(probabilities, labels),
        **{f"recall/{name}/{label}": recall for label, recall in recalls.items()},
    }


def _drawn(test: Dataset, count: int) -> tuple[FaceInput, Labels]:
    rows = np.flatnonzero(test.splits == "PrivateTest")
    rows = np.random.default_rng(0).permutation(rows)[:count]
    return test.images[rows][..., np.newaxis], test.labels[rows]
