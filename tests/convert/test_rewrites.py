"""Rewrites of the graph: folding changes no float output and leaves a BatchNorm only where algebra can't move it."""

import json
from typing import Any

import pytest

from tests.processes import ROOT, run_python

KEPT = {
    "norm_before_max_pool_with_negative_scales": 1,
    "norm_read_twice": 1,
    "norm_of_the_input": 1,
    "norm_behind_relu6": 1,
}
"""Case to the number of BatchNorms that must stay; the others lose all."""


@pytest.fixture(scope="module")
def rewrites() -> dict[str, Any]:
    done = run_python(str(ROOT / "tests/convert/rewrite_cases.py"), timeout_s=240)
    assert done.returncode == 0, done.stderr
    rewrites: dict[str, Any] = json.loads(done.stdout)
    return rewrites


@pytest.fixture(scope="module")
def outcomes(rewrites: dict[str, Any]) -> dict[str, Any]:
    folded: dict[str, Any] = rewrites["fold"]
    return folded


def test_float_outputs_stay(outcomes: dict[str, Any]) -> None:
    changes = {name: outcome["change"] / max(1.0, outcome["range"]) for name, outcome in outcomes.items()}
    assert len(changes) == 21
    assert {name: change for name, change in changes.items() if change > 1e-5} == {}
    assert min(outcome["range"] for outcome in outcomes.values()) > 0.01  # a zero output would prove nothing


def test_every_movable_norm_is_gone(outcomes: dict[str, Any]) -> None:
    assert {name: outcome["kept"] for name, outcome in outcomes.items() if outcome["kept"]} == KEPT
    for name, outcome in outcomes.items():
        assert outcome["layers"].count("BatchNormalization") == outcome["kept"], name


def test_a_shift_needs_no_addition_if_a_channel_of_the_first_layer_is_silent(outcomes: dict[str, Any]) -> None:
    additions = {name: outcome["layers"].count("ShiftChannels") for name, outcome in outcomes.items()}
    assert additions["relu_then_norm"] == 1
    assert (
        additions["rescaled_with_a_silent_channel"] == 1
    )  # that of the second BatchNorm: what it reads is not bounded


def test_training_layers_are_gone(outcomes: dict[str, Any]) -> None:
    assert "Dropout" not in outcomes["dense_then_norm"]["layers"]


def test_scaling_moves_into_a_convolution_only_without_an_offset(outcomes: dict[str, Any]) -> None:
    assert "Rescaling" not in outcomes["rescaled"]["layers"]
    assert "Rescaling" in outcomes["rescaled_with_offset"]["layers"]


@pytest.mark.parametrize("kind", ["dense", "convolution"])
def test_equalising_evens_out_channels_and_changes_no_output(rewrites: dict[str, Any], kind: str) -> None:
    outcome = rewrites["equalize"][kind]
    assert outcome["changed"] == 1
    assert outcome["change"] < 1e-5
    assert outcome["spread_before"] > 300
    assert outcome["spread_after"] < outcome["spread_before"] / 10


def test_equalising_lets_the_carrier_of_a_shift_be_rounded_exactly(rewrites: dict[str, Any]) -> None:
    outcome = rewrites["carrier"]
    assert outcome["change"] < 1e-5
    assert outcome["greatest"] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("kind", ["convolution", "depthwise"])
def test_a_corrected_bias_makes_up_for_rounded_weights(rewrites: dict[str, Any], kind: str) -> None:
    off = rewrites["correct"][kind]
    assert off["with"] < off["without"] / 20


def test_pruning_takes_the_smallest_weights(rewrites: dict[str, Any]) -> None:
    outcome = rewrites["prune"]
    assert outcome["zeros"] == pytest.approx(0.5, abs=0.02)
    assert outcome["kept_the_greatest"]
    assert outcome["unchanged"]
