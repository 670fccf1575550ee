"""What the reference is made of, on generated faces whose labels a stand-in classifier knows."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import drift, evaluation, golden
from benchmarks.corruptions import CORRUPTIONS
from benchmarks.models import Scores
from edge.model_info import LABELS
from edge.results import FaceInput
from train.data import Dataset

FACES = golden.generated_faces(40)


def by_brightness(faces: FaceInput) -> Scores:
    """Sure of a label that follows from the mean grey, and of the next one for people: stands in for a network."""
    classes = faces.mean(axis=(1, 2, 3)).astype(int) % len(LABELS)
    eye = np.eye(len(LABELS), dtype=np.float32)
    return {"people": eye[(classes + 1) % len(LABELS)], "label": eye[classes]}


def known_faces() -> Dataset:
    """Generated faces, labelled and voted as `by_brightness` says, in both test splits by turns."""
    splits = np.array(["PublicTest", "PrivateTest"] * 20)
    names = np.array([f"face {index}" for index in range(40)])
    votes = np.zeros((40, 10), np.float32)
    votes[:, :7] = 10 * by_brightness(FACES)["people"]
    return Dataset(FACES[..., 0], by_brightness(FACES)["label"].argmax(axis=1), splits, names, votes)


def test_every_metric_of_the_data_set_has_a_tolerance() -> None:
    metrics = evaluation.dataset_metrics(by_brightness, by_brightness, known_faces())
    metrics |= evaluation.robustness_metrics(by_brightness, known_faces(), count=10)
    assert drift.compare(metrics, metrics) == []
    assert {name.split("/")[0] for name in metrics} <= set(drift.TOLERANCES)
    assert sum(name.startswith("robustness/") for name in metrics) == 2 * 3 * len(CORRUPTIONS)


def test_a_perfect_classifier_is_perfect_on_every_split() -> None:
    metrics = evaluation.dataset_metrics(by_brightness, by_brightness, known_faces())
    for split in ("PublicTest", "PrivateTest", "test"):
        assert metrics[f"accuracy/people/FER+ majority/{split}"] == 1.0
        assert metrics[f"accuracy/people/clear majority/{split}"] == 1.0
        assert metrics[f"accuracy/label/FER-2013 label/{split}"] == 1.0
        assert metrics[f"calibration/people/{split}"] == metrics[f"calibration/label/{split}"] == 0.0
    assert metrics["agreement/people/float"] == metrics["agreement/label/float"] == 1.0
    assert metrics["kl/people/float"] == 0.0


def test_brightness_upsets_a_classifier_that_goes_by_it() -> None:
    metrics = evaluation.robustness_metrics(by_brightness, known_faces(), count=20)
    assert metrics["robustness/label/brighter/1"] < 0.6


def test_golden_metrics_of_the_same_outputs_are_the_best() -> None:
    metrics = evaluation.golden_metrics(by_brightness, by_brightness(golden.generated_faces(golden.COUNT)))
    assert metrics == {"golden/people": 1.0, "kl/people/golden": 0.0, "golden/label": 1.0, "kl/label/golden": 0.0}


def test_outputs_are_read_back_by_the_names_of_head_and_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "REFERENCE", tmp_path)
    written = by_brightness(FACES)
    evaluation.write_golden("int8", written)
    read = evaluation.read_golden("int8")
    assert list(read) == ["people", "label"]
    assert all((read[head] == written[head]).all() for head in written)
