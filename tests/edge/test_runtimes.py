import platform

import pytest

from edge.config import EdgeConfig
from edge.runtimes import RUNTIMES, choose_runtime, installed_runtimes


def test_auto_takes_the_best_runtime_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_runtime("auto") == installed_runtimes()[0]
    assert choose_runtime("tflite") == "tflite"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert installed_runtimes() == ()
    assert choose_runtime("auto") == "tflite"


@pytest.mark.parametrize(
    ("machine", "installed", "runtime", "variant"),
    [
        ("x86_64", "tflite", "auto", "float16"),
        ("AMD64", "tflite", "auto", "float16"),
        ("x86_64", "litert", "auto", "int8"),
        ("x86_64", "litert", "tflite", "float16"),
        ("aarch64", "tflite", "auto", "int8"),
        ("armv7l", "tflite", "tflite", "int8"),
    ],
)
def test_the_default_model_is_the_faster_one_on_this_machine(
    machine: str, installed: str, runtime: str, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name in RUNTIMES[installed] else None)
    assert EdgeConfig(runtime=runtime).model_path.name == f"emotion_{variant}.tflite"
