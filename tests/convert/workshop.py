"""Two small networks, trained on gratings and converted once for all tests, in processes of their own."""

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from convert.__main__ import main
from tests.convert.networks import NETWORKS, write_dataset
from tests.processes import ROOT, run_python

PRUNED = ["--int8", "--sparsity", "0.5", "--max-drop", "20", "--min-agreement", "0.8"]
"""Half of such a small network's weights are missed, so the gate is wide."""


@dataclass(frozen=True)
class Workshop:
    """Keras files, images, and the files that were made of them."""

    folder: Path
    dataset: Path
    files: Path
    """`original_VARIANT.tflite` of all variants and `residual_int8.tflite`."""
    outputs: dict[str, str]
    """Network to what its conversion printed."""

    def keras(self, network: str) -> Path:
        return self.folder / f"{network}.keras"


def run_convert(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return run_python("-m", "convert", *(str(argument) for argument in arguments), timeout_s=280)


def convert_here(*arguments: object) -> int:
    """The exit code of a command that a mistake ends: in this process, which has TensorFlow already."""
    told = signal.getsignal(signal.SIGTERM)
    try:
        return main([str(argument) for argument in arguments])
    finally:
        signal.signal(signal.SIGTERM, told)


def build_workshop(folder: Path) -> Workshop:
    """Train both networks and convert them: all variants of one, a pruned int8 of the other."""
    trained = run_python(str(ROOT / "tests/convert/networks.py"), str(folder), timeout_s=280)
    assert trained.returncode == 0, trained.stderr
    dataset = write_dataset(folder / "dataset")
    outputs = {}
    for network, variants in zip(NETWORKS, ([], PRUNED), strict=True):
        done = run_convert(
            folder / f"{network}.keras", "--data", dataset, "--samples", 70, "--out", folder / "files", *variants
        )
        assert done.returncode == 0, done.stderr
        outputs[network] = done.stdout
    return Workshop(folder, dataset, folder / "files", outputs)
