"""The gates' arithmetic."""

import pytest

from benchmarks.drift import compare

REFERENCE = {"accuracy/test": 0.66, "recall/test/sad": 0.5, "kl/float": 0.01, "latency/classify": 2.0}


def test_equal_figures_pass() -> None:
    assert compare(REFERENCE, dict(REFERENCE)) == []


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("accuracy/test", 0.65),
        ("recall/test/sad", 0.4),
        ("kl/float", 0.1),
        ("latency/classify", 3.1),
        ("latency/classify", 1.2),
    ],
)
def test_a_figure_outside_its_band_is_named(metric: str, value: float) -> None:
    regressions = compare(REFERENCE, REFERENCE | {metric: value})
    assert [regression.metric for regression in regressions] == [metric]
    assert f"Received: {value:.4f}" in str(regressions[0])


@pytest.mark.parametrize(("metric", "value"), [("accuracy/test", 0.9), ("kl/float", 0.0), ("latency/classify", 2.9)])
def test_better_or_within_the_band_passes(metric: str, value: float) -> None:
    assert compare(REFERENCE, REFERENCE | {metric: value}) == []


def test_what_was_not_measured_is_a_regression() -> None:
    regressions = compare(REFERENCE, {k: v for k, v in REFERENCE.items() if k != "kl/float"})
    assert [str(regression) for regression in regressions] == [
        "kl/float: reference 0.0100, limit 0.0150. Received: not measured"
    ]


def test_an_unknown_kind_of_metric_is_refused() -> None:
    with pytest.raises(KeyError):
        compare({"beauty/test": 1.0}, {"beauty/test": 1.0})
