"""The metrics of the shipped models: on generated faces everywhere, and on FER-2013 if it is available."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import golden, models
from benchmarks.corruptions import CORRUPTIONS, STRENGTHS
from benchmarks.models import Predict, Scores
from edge.files import replacing
from edge.model_info import LABEL, LABELS, PEOPLE
from edge.results import FaceInput, Probabilities
from train import measures
from train.data import VOTE_COLUMNS, Dataset
from train.evaluate import HEAD_TRUTHS, OWN_LABEL, TRUTH_OF, Truth, truths
from train.votes import NOBODY

REFERENCE = Path(__file__).parent / "reference"
ACCURACY = REFERENCE / "accuracy.json"
SPLITS = {"PublicTest": ("PublicTest",), "PrivateTest": ("PrivateTest",), "test": ("PublicTest", "PrivateTest", "Test")}
ROBUSTNESS_COUNT = 400
"""How many faces of PrivateTest are used per corruption and strength, always the same: 2.5 points of standard error."""


def golden_metrics(predict: Predict, outputs: Scores) -> dict[str, float]:
    """Agreement with the committed outputs of each head for the generated faces, and divergence from them."""
    measured = predict(golden.generated_faces(len(next(iter(outputs.values())))))
    metrics = {}
    for head, committed in outputs.items():
        metrics[f"golden/{head}"] = measures.agreement(measured[head], committed)
        metrics[f"kl/{head}/golden"] = measures.kl_divergence(measured[head], committed)
    return metrics


def perfect_golden(outputs: Scores) -> dict[str, float]:
    """What `golden_metrics` gives for the reference itself."""
    return {name: value for head in outputs for name, value in ((f"golden/{head}", 1.0), (f"kl/{head}/golden", 0.0))}


def dataset_metrics(predict: Predict, predict_float: Predict, test: Dataset) -> dict[str, float]:
    """Each head's accuracy by its truths, its recall, its calibration, and its distance from the float network."""
    faces, known = test.images[..., np.newaxis], truths(test)
    scores, floats = predict(faces), predict_float(faces)
    metrics: dict[str, float] = {}
    for head, probabilities in scores.items():
        metrics[f"agreement/{head}/float"] = measures.agreement(probabilities, floats[head])
        metrics[f"kl/{head}/float"] = measures.kl_divergence(probabilities, floats[head])
        own = {name: known[name] for name in HEAD_TRUTHS.get(head, (OWN_LABEL,)) if name in known}
        for split, members in SPLITS.items():
            rows = np.isin(test.splits, members)
            if rows.any() and own:
                metrics |= _split_metrics(head, split, probabilities[rows], {n: t.take(rows) for n, t in own.items()})
    return metrics


def robustness_metrics(predict: Predict, test: Dataset, count: int = ROBUSTNESS_COUNT) -> dict[str, float]:
    """Each head's accuracy under each corruption at each strength, on a fixed draw of PrivateTest."""
    faces, known = _drawn(test, count)
    return {
        f"robustness/{head}/{name}/{strength}": measures.accuracy(probabilities[rows], truth.classes[rows])
        for name, change in CORRUPTIONS.items()
        for strength in STRENGTHS
        for head, probabilities in predict(change(faces, strength)).items()
        for truth in [known.get(TRUTH_OF.get(head, OWN_LABEL), known[OWN_LABEL])]
        for rows in [truth.classes != NOBODY]
    }


def generated_dataset(variant: str) -> Dataset:
    """The generated faces with labels and votes from the committed outputs, which replace FER-2013's test images."""
    committed, count = read_golden(variant), golden.COUNT
    labels = committed[LABEL].argmax(axis=1)
    votes = np.zeros((count, len(VOTE_COLUMNS)), np.float32)
    votes[np.arange(count), committed.get(PEOPLE, committed[LABEL]).argmax(axis=1)] = 10
    names = np.array([f"generated {index}" for index in range(count)])
    return Dataset(golden.generated_faces()[..., 0], labels, np.full(count, "PrivateTest"), names, votes)


def golden_file(variant: str) -> Path:
    """The file of a variant's committed outputs for the generated faces: a row per face, columns by head and label."""
    return REFERENCE / f"golden_{variant}.csv"


def read_golden(variant: str) -> Scores:
    """The committed outputs (faces, labels) of each head."""
    with golden_file(variant).open(newline="") as file:
        columns, *rows = csv.reader(file)
    values = np.array(rows, np.float32)
    heads = list(dict.fromkeys(column.split()[0] for column in columns))
    return {head: values[:, [columns.index(f"{head} {label}") for label in LABELS]] for head in heads}


def write_golden(variant: str, scores: Scores) -> None:
    """Commit outputs as the reference."""
    columns = [f"{head} {label}" for head in scores for label in LABELS]
    rows = np.concatenate(list(scores.values()), axis=1)
    with replacing(golden_file(variant)) as part, part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[f"{value:.4f}" for value in row] for row in rows])


def read_reference() -> dict[str, Any]:
    """The committed reference: `generated_faces_sha256`, and `variants` with `sha256` and `metrics` of each."""
    reference: dict[str, Any] = json.loads(ACCURACY.read_text())
    return reference


def measure_all(variants: Mapping[str, Path], test: Dataset) -> dict[str, dict[str, float]]:
    """All metrics that need the data set, by variant."""
    baseline = models.predictor(variants[models.float_variant(dict(variants))])
    measured = {}
    for name, file in variants.items():
        predict = models.predictor(file)
        measured[name] = dataset_metrics(predict, baseline, test) | robustness_metrics(predict, test)
    return measured


def _split_metrics(head: str, split: str, probabilities: Probabilities, known: Mapping[str, Truth]) -> dict[str, float]:
    metrics = {}
    for name, truth in known.items():
        rows = truth.classes != NOBODY
        metrics[f"accuracy/{head}/{name}/{split}"] = measures.accuracy(probabilities[rows], truth.classes[rows])
    first = next(iter(known.values()))
    rows, named = first.shares.sum(1) > 0, (first.classes != NOBODY) & (first.classes < len(LABELS))
    metrics[f"calibration/{head}/{split}"] = measures.calibration_error(probabilities[rows], first.shares[rows])
    recalls = measures.recall_by_class(probabilities[named], first.classes[named], LABELS)
    return metrics | {f"recall/{head}/{split}/{label}": recall for label, recall in recalls.items()}


def _drawn(test: Dataset, count: int) -> tuple[FaceInput, dict[str, Truth]]:
    rows = np.flatnonzero(test.splits == "PrivateTest")
    drawn = test.take(np.random.default_rng(0).permutation(rows)[:count])
    return drawn.images[..., np.newaxis], truths(drawn)
