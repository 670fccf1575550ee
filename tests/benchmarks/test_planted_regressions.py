"""The gates bite: each fault is planted in the shipped model, and the gate that watches for it fails."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks import golden, models, timing
from benchmarks.drift import Regression, compare
from benchmarks.evaluation import Predict, golden_metrics
from edge.interpreter import EmotionClassifier, load_interpreter
from edge.results import FaceInput, Probabilities

FINE = {"agreement/golden": 1.0, "kl/golden": 0.0}


@pytest.fixture(scope="module")
def model() -> Path:
    """The shipped int8 file."""
    return models.shipped()["int8"]


@pytest.fixture(scope="module")
def classifier(model: Path) -> EmotionClassifier:
    return EmotionClassifier(model)


@pytest.fixture(scope="module")
def outputs(classifier: EmotionClassifier) -> Probabilities:
    """What the sound model says of the generated faces."""
    return classifier.predict(golden.generated_faces())


def drift_of(predict: Predict, outputs: Probabilities) -> list[Regression]:
    return compare(FINE, golden_metrics(predict, outputs))


def test_the_sound_model_passes(classifier: EmotionClassifier, outputs: Probabilities) -> None:
    assert drift_of(classifier.predict, outputs) == []


def test_a_wrong_label_order_is_caught(classifier: EmotionClassifier, outputs: Probabilities) -> None:
    def as_in_the_csv(faces: FaceInput) -> Probabilities:
        return classifier.predict(faces)[:, [0, 1, 2, 3, 5, 6, 4]]  # fer2013.csv's own order

    assert drift_of(as_in_the_csv, outputs)


@pytest.mark.parametrize(
    "shift",
    [
        lambda faces: faces // 255,  # scaled before a network that scales
        lambda faces: (faces.astype(np.float32) * (170 / 255) + 30).astype(np.uint8),  # calibrated on 30 to 200
        lambda faces: faces // 2 + 64,  # [-1, 1] for [0, 1]
    ],
    ids=["scaled twice", "calibrated on 30 to 200", "another range"],
)
def test_a_shifted_input_scale_is_caught(
    shift: Callable[[FaceInput], FaceInput], classifier: EmotionClassifier, outputs: Probabilities
) -> None:
    assert drift_of(lambda faces: classifier.predict(shift(faces)), outputs)


def test_noise_in_the_weights_is_caught(model: Path, outputs: Probabilities, tmp_path: Path) -> None:
    noisy = tmp_path / "noisy.tflite"
    noisy.write_bytes(with_noisy_weights(model, share=0.3))
    assert drift_of(EmotionClassifier(noisy).predict, outputs)


def test_a_slower_classifier_is_caught(classifier: EmotionClassifier) -> None:
    """As a ratio to the yardstick, in turns: a machine under load does not fail it, and does not hide it."""
    face, yardstick = golden.generated_faces(1), timing.yardstick()
    sound = {"latency/classify": timing.ratio(lambda: classifier.predict(face), yardstick)}
    again = {"latency/classify": timing.ratio(lambda: classifier.predict(face), yardstick)}
    slower = {"latency/classify": timing.ratio(lambda: [classifier.predict(face) for _ in range(3)], yardstick)}
    assert compare(sound, again) == []
    assert [regression.metric for regression in compare(sound, slower)] == ["latency/classify"]


def with_noisy_weights(model: Path, share: float) -> bytes:
    """The file with noise of `share` of their spread in the weights of every convolution and dense layer."""
    data = bytearray(model.read_bytes())
    interpreter = load_interpreter(model)
    generator = np.random.default_rng(0)
    for operator in interpreter._get_ops_details():
        if operator["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            weights = interpreter.get_tensor(operator["inputs"][1])
            place = data.find(weights.tobytes())
            assert place >= 0, "the weights stand in the file as they are"
            noise = generator.normal(0, share * weights.std(), weights.shape)
            data[place : place + weights.nbytes] = np.clip(weights + noise, -127, 127).astype(np.int8).tobytes()
    return bytes(data)
