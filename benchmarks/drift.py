"""Compares measured figures with a reference, to see whether anything got worse: the gates of this folder.

Metrics are a flat dict, named `kind/detail` (`accuracy/people/FER+ majority/PrivateTest`,
`recall/label/PrivateTest/sad`, `kl/people/float`, `latency/classify_int8`). `TOLERANCES` has the allowed loss by kind.
"""

from collections.abc import Mapping
from typing import NamedTuple

Metrics = Mapping[str, float]


class Tolerance(NamedTuple):
    """How far a metric may move from its reference."""

    worse: float
    """By how much it may be worse: a difference or, if `relative`, a factor above 1."""
    higher_is_better: bool = True
    relative: bool = False
    """Whether an improvement by the factor fails too: a latency that falls is as suspect as one that rises."""


TOLERANCES = {
    "accuracy": Tolerance(0.005),  # runtimes round int8 differently: a few of 3,589 images
    "recall": Tolerance(0.04),  # PrivateTest has 55 images of disgust: two are 0.036
    "agreement": Tolerance(0.02),
    "golden": Tolerance(0.05),  # four of 96 drawings: a tenth of them are near a tie, and processors round differently
    "kl": Tolerance(0.005, higher_is_better=False),
    "calibration": Tolerance(0.01, higher_is_better=False),
    "robustness": Tolerance(0.02),
    "sight": Tolerance(0.01),
    "false": Tolerance(0.05, higher_is_better=False),
    "latency": Tolerance(1.5, higher_is_better=False, relative=True),
}


class Regression(NamedTuple):
    """A metric outside its tolerance band."""

    metric: str
    reference: float
    measured: float | None
    """The measured value; None if the metric is in the reference, but was not measured."""
    limit: float

    def __str__(self) -> str:
        measured = "not measured" if self.measured is None else f"{self.measured:.4f}"
        return f"{self.metric}: reference {self.reference:.4f}, limit {self.limit:.4f}. Received: {measured}"


def compare(reference: Metrics, measured: Metrics) -> list[Regression]:
    """The metrics of `reference` that are missing from `measured` or worse there than their tolerance.

    Raises:
        KeyError: a metric is of a kind that `TOLERANCES` does not know.
    """
    found = (_compare_one(name, value, measured.get(name)) for name, value in reference.items())
    return [regression for regression in found if regression is not None]


def _compare_one(name: str, reference: float, measured: float | None) -> Regression | None:
    low, high = band(name, reference)
    if measured is not None and low <= measured <= high:
        return None
    too_high = high < float("inf") if measured is None else measured > high
    limit = high if too_high else low
    return Regression(name, reference, measured, limit)


def band(name: str, reference: float) -> tuple[float, float]:
    """The lowest and the highest value that pass."""
    tolerance = TOLERANCES[name.split("/")[0]]
    if tolerance.relative:
        return reference / tolerance.worse, reference * tolerance.worse
    if tolerance.higher_is_better:
        return reference - tolerance.worse, float("inf")
    return float("-inf"), reference + tolerance.worse
