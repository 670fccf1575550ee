"""The gates bite: each fault is planted in the shipped model, and the gate that watches for it fails."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import golden, models, timing
from benchmarks.drift import Regression, compare
from benchmarks.evaluation import golden_metrics, perfect_golden
from benchmarks.models import Predict, Scores
from edge.interpreter import EmotionClassifier, load_interpreter
from edge.model_info import read_model_info, write_model_info
from edge.results import FaceInput


def plant_nothing(model: Path, planted: Path) -> None:
    """The sound file."""
    planted.write_bytes(model.read_bytes())


def plant_label_order(model: Path, planted: Path) -> None:
    """The file with a contract that names the outputs in fer2013.csv's own order."""
    with zipfile.ZipFile(model) as members:
        graph_bytes = min(member.header_offset for member in members.infolist())
    planted.write_bytes(model.read_bytes()[:graph_bytes])
    order = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    info = read_model_info(model)
    write_model_info(planted, replace(info, heads=tuple(replace(head, labels=order) for head in info.heads)))


def plant_noise(model: Path, planted: Path, share: float = 0.1) -> None:
    """The file with noise of `share` of their spread in the weights of every convolution and dense layer."""
    data = bytearray(model.read_bytes())
    interpreter = load_interpreter(model)
    generator = np.random.default_rng(0)
    for operator in interpreter._get_ops_details():
        if operator["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            weights = interpreter.get_tensor(operator["inputs"][1])
            place = data.find(weights.tobytes())
            assert place >= 0, "the weights stand in the file as they are"
            noisy = weights + generator.normal(0, share * weights.std(), weights.shape)
            noisy = np.clip(noisy, -127, 127) if weights.dtype == np.int8 else noisy  # the logits' are in float
            data[place : place + weights.nbytes] = noisy.astype(weights.dtype).tobytes()
    planted.write_bytes(data)


@pytest.fixture(scope="module")
def model() -> Path:
    """The shipped int8 file."""
    return models.shipped()["int8"]


@pytest.fixture(scope="module")
def classifier(model: Path) -> EmotionClassifier:
    return EmotionClassifier(model)


@pytest.fixture(scope="module")
def outputs(model: Path) -> Scores:
    """What the sound model says of the generated faces."""
    return models.predictor(model)(golden.generated_faces())


def drift_of(predict: Predict, outputs: Scores) -> list[Regression]:
    return compare(perfect_golden(outputs), golden_metrics(predict, outputs))


def test_the_sound_model_passes(model: Path, outputs: Scores) -> None:
    assert drift_of(models.predictor(model), outputs) == []


def test_a_wrong_label_order_is_caught(model: Path, outputs: Scores, tmp_path: Path) -> None:
    planted = tmp_path / "planted.tflite"
    plant_label_order(model, planted)
    assert drift_of(models.predictor(planted), outputs)


@pytest.mark.parametrize(
    "shift",
    [
        lambda faces: faces // 255,  # scaled before a network that scales
        lambda faces: (faces.astype(np.float32) * (170 / 255) + 30).astype(np.uint8),  # calibrated on 30 to 200
        lambda faces: faces // 2 + 64,  # [-1, 1] for [0, 1]
    ],
    ids=["scaled twice", "calibrated on 30 to 200", "another range"],
)
def test_a_shifted_input_scale_is_caught(shift: Callable[[FaceInput], FaceInput], model: Path, outputs: Scores) -> None:
    predict = models.predictor(model)
    assert drift_of(lambda faces: predict(shift(faces)), outputs)


def test_noise_in_the_weights_is_caught(model: Path, outputs: Scores, tmp_path: Path) -> None:
    planted = tmp_path / "planted.tflite"
    plant_noise(model, planted)
    assert drift_of(models.predictor(planted), outputs)


def test_a_slower_classifier_is_caught(classifier: EmotionClassifier) -> None:
    """As a ratio to the yardstick, in turns: a machine under load does not fail it, and does not hide it."""
    face, yardstick = golden.generated_faces(1), timing.yardstick()
    sound = {"latency/classify": timing.ratio(lambda: classifier.predict(face), yardstick)}
    again = {"latency/classify": timing.ratio(lambda: classifier.predict(face), yardstick)}
    slower = {"latency/classify": timing.ratio(lambda: [classifier.predict(face) for _ in range(3)], yardstick)}
    assert compare(sound, again) == []
    assert [regression.metric for regression in compare(sound, slower)] == ["latency/classify"]


@pytest.mark.parametrize(("plant", "caught"), [(plant_nothing, False), (plant_label_order, True), (plant_noise, True)])
def test_the_command_itself_fails(plant: Callable[[Path, Path], None], caught: bool, tmp_path: Path) -> None:
    """`pytest benchmarks` on a folder of models of which one is planted."""
    for name, file in models.shipped().items():
        (plant if name == "int8" else plant_nothing)(file, tmp_path / file.name)
    command = [sys.executable, "-m", "pytest", "benchmarks/test_accuracy_drift.py", "--models", str(tmp_path)]
    run = subprocess.run(
        [*command, "-q", "-k", "got_worse and int8"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"FER2013": str(tmp_path)},  # no data set there: the generated faces stand in
        capture_output=True,
        text=True,
    )
    assert run.returncode == caught, run.stdout
    assert ("golden/label: reference 1.0000" in run.stdout) == caught
