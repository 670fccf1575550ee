"""An accelerator's delegate, built here with gcc: used where it works, passed over with one line where it does not."""

import logging
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edge import tune
from edge.config import EdgeConfig, delegate_parts
from edge.detectors import create_detector
from edge.errors import ConfigError
from edge.interpreter import EmotionClassifier
from edge.runtimes import installed_runtimes
from edge.tune import Measurement, best_pair
from tests.processes import ROOT

MODEL = EdgeConfig().model_path
FACES = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1), np.uint8)

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc builds the delegate")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The delegate of `tests/rigs/delegate.c`."""
    out = tmp_path_factory.mktemp("delegate") / "delegate.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", out, ROOT / "tests" / "rigs" / "delegate.c"], check=True)
    return out


@pytest.mark.parametrize("runtime", installed_runtimes())
def test_the_networks_are_shown_to_the_delegate(runtime: str, library: Path, tmp_path: Path) -> None:
    delegate = f"{library},log={tmp_path / 'log'}"
    classifier = EmotionClassifier(MODEL, runtime, delegate=delegate)
    assert classifier.delegate == delegate
    assert np.allclose(classifier.predict(FACES), EmotionClassifier(MODEL, runtime).predict(FACES), atol=0.02)
    assert (tmp_path / "log").read_text().split() == ["prepared"]
    create_detector(EdgeConfig(detector="blazeface-short-range", runtime=runtime, delegate=delegate))
    assert set((tmp_path / "log").read_text().split()[1:]) == {"prepared"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (",fail=create", "no accelerator is plugged in"),
        (",fail=prepare", "after delegate application failure"),
        (".gone", "cannot open"),
    ],
)
def test_a_delegate_that_fails_is_one_line_and_the_processor_works(
    options: str, reason: str, library: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        classifier = EmotionClassifier(MODEL, delegate=f"{library}{options}")
    assert classifier.delegate == ""
    assert classifier.predict(FACES).sum() == pytest.approx(2, abs=0.05)
    (line,) = [record.getMessage() for record in caplog.records]
    assert f"is not used for {MODEL.name}, the processor is: " in line
    assert reason in line
    assert "\n" not in line


def test_options_are_pairs() -> None:
    assert delegate_parts("a.so,device=usb,level=2") == ("a.so", {"device": "usb", "level": "2"})
    for wrong in ("a.so,device", ",device=usb", "a.so,=usb"):
        with pytest.raises(ConfigError, match="FILE,key=value"):
            EdgeConfig(delegate=wrong)


def test_tune_weighs_it(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune, "VARIANTS", ("int8",))
    taken = tune.measure_classifiers(0.0, str(library))
    assert {one.options["delegate"] for one in taken} == {str(library)}
    assert tune.measure_classifiers(0.0, f"{library},fail=prepare") == []
    pairs = [
        [[Measurement("classify", {"delegate": name}, classify_ms)], [Measurement("detect", {}, detect_ms)]]
        for name, classify_ms, detect_ms in (("", 4.0, 20.0), ("tpu", 1.0, 5.0))
    ]
    assert best_pair(pairs)[0].options == {"delegate": "tpu"}
    assert best_pair([pairs[0], [[], pairs[1][1]]])[0].options == {"delegate": ""}
