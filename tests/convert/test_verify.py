"""The gate, and runtimes one by one."""

import dataclasses
from pathlib import Path

import pytest

from convert import verify
from convert.config import ConvertConfig
from convert.losses import Losses, measure_losses
from convert.probe import Probed
from convert.verify import GateError, GraphSummary, Proof, check_gate, prove
from tests.convert.samples import HEAD, INFO, make_images, one_hot
from tests.processes import ROOT


def make_losses(flipped: int) -> Losses:
    labels = [0] * 100
    file = one_hot([1] * flipped + [0] * (100 - flipped))
    return measure_losses(one_hot(labels), file, make_images(labels), HEAD)


def make_proof(**flipped: int) -> Proof:
    """A file of which so many of 100 labels flipped in each runtime."""
    losses = {runtime: {"label": make_losses(count)} for runtime, count in flipped.items()}
    return Proof("int8", 1, 1, GraphSummary(1, {}), next(iter(flipped)), dict.fromkeys(flipped, 1.0), losses)


def test_the_gate_lets_a_good_file_pass_and_names_what_a_bad_one_lost() -> None:
    config = ConvertConfig(Path("model.keras"), max_drop=2, min_agreement=0.97)
    check_gate({"int8": make_proof(litert=2)}, config)
    lost = r"no file was kept.* drops 4\.00 points of label in litert; int8 agrees on 0\.9600 of label in litert"
    with pytest.raises(GateError, match=lost):
        check_gate({"int8": make_proof(litert=4)}, config)


def test_the_gate_looks_at_every_runtime() -> None:
    with pytest.raises(GateError, match=r"agrees on 0\.2000 of label in tflite$"):
        check_gate({"int8": make_proof(litert=0, tflite=80)}, ConvertConfig(Path("model.keras")))


def test_the_gate_looks_at_every_head() -> None:
    proof = make_proof(litert=0)
    lost = {"litert": {**proof.losses, "people": make_losses(1)}}
    with pytest.raises(GateError, match=r"Received: int8 drops 1\.00 points of people in litert$"):
        check_gate({"int8": dataclasses.replace(proof, losses_by_runtime=lost)}, ConvertConfig(Path("model.keras")))


def test_each_runtime_is_measured_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = [0] * 4
    answers = {"litert": [0, 0, 0, 0], "tflite": [0, 0, 1, 1]}
    monkeypatch.setattr(verify, "installed_runtimes", lambda: tuple(answers))
    monkeypatch.setattr(
        verify,
        "run_probe",
        lambda files, _f, runtime, _d: {v: Probed({"label": one_hot(answers[runtime])}, 1.0) for v in files},
    )
    files = {"float32": ROOT / "edge/models/emotion_int8.tflite"}
    proof = prove(files, {"label": one_hot(labels)}, make_images(labels), INFO, tmp_path)["float32"]
    found = {runtime: losses["label"] for runtime, losses in proof.losses_by_runtime.items()}
    assert {runtime: (lost.drop_points, lost.agreement) for runtime, lost in found.items()} == {
        "litert": (0, 1),
        "tflite": (50, 0.5),
    }
    assert proof.losses["label"].drop_points == 0
