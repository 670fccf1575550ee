"""The figures of a report, against values worked out by hand."""

import numpy as np
import pytest

from train import measures

LABELS = np.array([0, 0, 1, 1])
PROBABILITIES = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]], np.float32)


def test_accuracy_recall_confusion_and_f1() -> None:
    assert measures.accuracy(PROBABILITIES, LABELS) == 0.75
    assert measures.recall_by_class(PROBABILITIES, LABELS, ("a", "b")) == {"a": 0.5, "b": 1.0}
    assert measures.confusion_matrix(PROBABILITIES, LABELS).tolist() == [[1, 1], [0, 2]]
    assert measures.macro_f1(PROBABILITIES, LABELS) == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_a_class_that_does_not_occur_has_no_recall() -> None:
    assert measures.recall_by_class(PROBABILITIES[:2], LABELS[:2], ("a", "b")) == {"a": 0.5}


def test_the_wilson_interval_of_a_known_case() -> None:
    low, high = measures.wilson_interval(0.7, 3589)  # 1.5 points to either side
    assert (low, high) == (pytest.approx(0.6848, abs=2e-4), pytest.approx(0.7148, abs=2e-4))
    assert measures.wilson_interval(1.0, 10)[1] == 1.0


def test_calibration_error_is_the_gap() -> None:
    sure_but_wrong_half = np.tile([[1.0, 0.0]], (10, 1)).astype(np.float32)
    labels = np.eye(2, dtype=np.float32)[np.repeat([0, 1], 5)]
    assert measures.calibration_error(sure_but_wrong_half, labels) == pytest.approx(0.5)


def test_a_score_is_honest_that_says_the_share_of_the_votes() -> None:
    scores = np.tile([[0.8, 0.2]], (10, 1)).astype(np.float32)
    assert measures.calibration_error(scores, scores) == pytest.approx(0)
    assert measures.calibration_error(scores, np.tile([[0.6, 0.4]], (10, 1))) == pytest.approx(0.2)


def test_a_bootstrap_interval_is_that_of_the_mean() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    low, high = measures.bootstrap_interval(lambda rows: float(values[rows].mean()), len(values))
    assert low == pytest.approx(values.mean() - 1.96 * 0.1, abs=0.04)
    assert high == pytest.approx(values.mean() + 1.96 * 0.1, abs=0.04)


def test_divergence_is_zero_for_equals_and_grows() -> None:
    assert measures.kl_divergence(PROBABILITIES, PROBABILITIES) == pytest.approx(0, abs=1e-9)
    assert measures.kl_divergence(PROBABILITIES[:, ::-1], PROBABILITIES) > 0.1
    assert measures.agreement(PROBABILITIES[:, ::-1], PROBABILITIES) == 0
