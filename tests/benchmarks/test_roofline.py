"""The roofline on any processor: the shell does not choose the yardstick's kernel, and a slow one is only noted."""

import pytest

from benchmarks import roofline
from edge.config import EdgeConfig

BUNDLED = EdgeConfig().model_path


def test_what_the_shell_says_of_openblas_is_left_out() -> None:
    inherited = {"HOME": "/root", "OPENBLAS_CORETYPE": "Prescott", "OPENBLAS_L2_SIZE": "1", "OMP_NUM_THREADS": "8"}
    environment = roofline.blas_environment(inherited)
    assert environment["HOME"] == "/root"
    assert environment["OMP_NUM_THREADS"] == "1"
    assert {n: v for n, v in environment.items() if n.startswith("OPENBLAS")} == {
        "OPENBLAS_CORETYPE": "",
        "OPENBLAS_NUM_THREADS": "1",
    }


def test_a_slow_yardstick_is_a_note() -> None:
    assert roofline.row("int8", "litert", 90, achieved=173.0, limit=100.0).note == roofline.SLOW_YARDSTICK
    assert roofline.row("int8", "litert", 90, achieved=60.0, limit=100.0).note == ""


@pytest.mark.parametrize("variable", [("OPENBLAS_CORETYPE", "Prescott"), ("OPENBLAS_L2_SIZE", "1")])
def test_a_measurement_runs_whatever_the_shell_says(variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*variable)
    (row,) = roofline.measure({"int8": BUNDLED}, rounds=2)
    assert row.multiply_adds > 0
    assert row.share > 0
