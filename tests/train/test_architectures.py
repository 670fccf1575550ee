"""Every architecture that `--help` names: an epoch on drawn faces, an int8 file, and faces scored by edge.

The default one does this in test_command.py too, where the real images are.
"""

from pathlib import Path

import numpy as np
import pytest

from edge.interpreter import EmotionClassifier
from edge.model_info import LABELS
from tests.processes import run_python
from tests.train import synthetic
from tests.train.test_face_weights import write_package
from train.architectures import FACE_WEIGHTS, NETWORKS, TRANSFER

FEW = {"Training": 4, "PublicTest": 1, "PrivateTest": 3}


def weights_for(arch: str, data: Path) -> list[str]:
    """The options of an architecture that says nothing of use without weights."""
    if TRANSFER.get(arch) != FACE_WEIGHTS:
        return []
    package, weights = str(data.parent / "models.tgz"), str(data.parent / "faces.weights.h5")
    write_package(Path(package))
    run = run_python("-m", "train.face_weights", package, "--data", str(data), "--out", weights, timeout_s=300)
    assert run.returncode == 0, run.stderr
    return ["--weights", weights]


@pytest.mark.slow  # a minute or more each
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("arch", NETWORKS)
def test_trains_converts_and_runs(arch: str, tmp_path: Path) -> None:
    data = synthetic.write_folder(tmp_path / "fer", FEW)
    train = ["--data", str(data), "--arch", arch, "--epochs", "1", "--batch-size", "4", *weights_for(arch, data)]
    trained = run_python("-m", "train", *train, "--out", str(tmp_path / "run"), timeout_s=900)
    assert trained.returncode == 0, trained.stderr

    converts_and_runs(tmp_path / "run/model.keras", data)


def converts_and_runs(network: Path, data: Path) -> None:
    """The network becomes an int8 file beside it, and edge scores faces with it."""
    gates = ["--min-agreement", "0", "--max-drop", "100"]  # a few steps teach nothing that could be lost
    converted = run_python("-m", "convert", str(network), "--data", str(data), "--int8", *gates, timeout_s=900)
    assert converted.returncode == 0, converted.stderr

    classifier = EmotionClassifier(network.with_name("model_int8.tflite"))
    faces = np.stack([synthetic.draw_face(label, np.random.default_rng(5)) for label in LABELS])[..., None]
    scores = classifier.predict(faces)
    assert scores.shape == (7, 7)
    assert scores.sum(1) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--arch", "mobilenetv3", "--weights", "FILE"], "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"),
        (["--arch", "compact", "--weights", "FILE"], "--weights only with --arch mobilenetv3 or efficientnet"),
    ],
)
def test_another_file_in_weights_is_one_line_that_says_which(options: list[str], says: str, tmp_path: Path) -> None:
    data = synthetic.write_folder(tmp_path / "fer", FEW)
    (tmp_path / "FILE").write_bytes(b"no weights")
    given = [option.replace("FILE", str(tmp_path / "FILE")) for option in options]
    run = run_python("-m", "train", "--data", str(data), *given, "--out", str(tmp_path / "run"), timeout_s=300)
    assert run.returncode in (1, 2)
    assert "Traceback" not in run.stderr
    assert says in run.stderr.splitlines()[-1]
