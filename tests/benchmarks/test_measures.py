"""Quality measures on figures that can be checked by hand."""

import numpy as np
import pytest

from train import measures

PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.0, 0.4, 0.6]], np.float32)
LABELS = np.array([0, 1, 1, 1])


def test_accuracy_and_recall() -> None:
    assert measures.accuracy(PROBABILITIES, LABELS) == 0.5
    recalls = measures.recall_by_class(PROBABILITIES, LABELS, ("a", "b", "c"))
    assert recalls == {"a": 1.0, "b": pytest.approx(1 / 3)}


def test_agreement_and_divergence_of_equals() -> None:
    assert measures.agreement(PROBABILITIES, PROBABILITIES) == 1.0
    assert measures.kl_divergence(PROBABILITIES, PROBABILITIES) == 0.0


def test_divergence_is_that_of_the_textbook() -> None:
    half, skewed = np.array([[0.5, 0.5]], np.float32), np.array([[0.25, 0.75]], np.float32)
    expected = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    assert measures.kl_divergence(skewed, half) == pytest.approx(expected, rel=1e-6)


def test_divergence_is_finite_where_int8_says_zero() -> None:
    zero, some = np.array([[1.0, 0.0]], np.float32), np.array([[0.9, 0.1]], np.float32)
    assert 0 < measures.kl_divergence(zero, some) < 2


def test_calibration_error() -> None:
    sure = np.array([[0.9, 0.1]] * 10, np.float32)
    assert measures.calibration_error(sure, np.array([0] * 9 + [1])) == pytest.approx(0, abs=1e-6)
    assert measures.calibration_error(sure, np.ones(10, int)) == pytest.approx(0.9, abs=1e-6)
