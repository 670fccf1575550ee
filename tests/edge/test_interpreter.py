"""The network in a runtime: probabilities, the two runtimes, and files that contradict their contract."""

import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge import interpreter
from edge.config import EdgeConfig
from edge.errors import ConfigError, ModelError
from edge.interpreter import EmotionClassifier, load_interpreter
from edge.model_info import ModelInfo, read_model_info, write_model_info
from edge.runtimes import installed_runtimes

BUNDLED = EdgeConfig(model="float16").model_path
FACES = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1), np.uint8).astype(np.uint8)


def with_contract(info: ModelInfo, path: Path) -> Path:
    """The bundled network under another contract."""
    with zipfile.ZipFile(BUNDLED) as members:
        start = min(member.header_offset for member in members.infolist())
    path.write_bytes(BUNDLED.read_bytes()[:start])
    write_model_info(path, info)
    return path


class FakeInterpreter:
    """A network with one input and two heads of these details; the output of `people` is always `values`."""

    def __init__(self, quantization: tuple[float, int] = (1.0, 0), values: list[int] | None = None) -> None:
        self.input = {"index": 0, "shape": (1, 48, 48, 1), "dtype": np.uint8, "quantization": quantization}
        output = {"shape": (1, 7), "dtype": np.int8, "quantization": (1 / 256, -128)}
        self.outputs = {"label": {**output, "index": 1}, "people": {**output, "index": 2}}
        self.values = values or [-128] * 7

    def get_input_details(self) -> list[dict[str, Any]]:
        return [self.input]

    def get_output_details(self) -> list[dict[str, Any]]:
        return list(self.outputs.values())

    def get_signature_runner(self) -> SimpleNamespace:
        return SimpleNamespace(get_output_details=lambda: self.outputs)

    def set_tensor(self, index: int, value: np.ndarray) -> None:
        assert (index, value.shape, value.dtype) == (0, (1, 48, 48, 1), np.uint8)

    def invoke(self) -> None:
        """Nothing to do."""

    def get_tensor(self, index: int) -> np.ndarray:
        return np.array([self.values if index == 2 else [-128] * 7], np.int8)


@pytest.mark.parametrize("runtime", installed_runtimes())
@pytest.mark.parametrize("model", ["int8", "float16"])
def test_each_row_is_a_distribution_and_does_not_depend_on_the_others(model: str, runtime: str) -> None:
    classifier = EmotionClassifier(EdgeConfig(model=model).model_path, runtime)
    probabilities = classifier.predict(FACES)
    assert probabilities.shape == (3, 7)
    assert probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=0.02)
    assert np.array_equal(classifier.predict(FACES[1:2])[0], probabilities[1])
    assert classifier.predict(FACES[:0]).shape == (0, 7)


def test_integers_become_probabilities_by_scale_and_zero_point(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeInterpreter(values=[-128, -64, 0, 127, -128, -128, -128])
    monkeypatch.setattr(interpreter, "load_interpreter", lambda *_: fake)
    (row,) = EmotionClassifier(BUNDLED).predict(FACES[:1])
    assert row.tolist() == [0, 0.25, 0.5, 255 / 256, 0, 0, 0]


@pytest.mark.parametrize("quantization", [(0.5, 0), (1.0, 3)])
def test_an_input_that_does_not_take_camera_bytes_is_refused(
    quantization: tuple[float, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "load_interpreter", lambda *_: FakeInterpreter(quantization))
    with pytest.raises(ModelError, match="to take camera bytes"):
        EmotionClassifier(BUNDLED)


def test_an_input_of_another_shape_than_the_contract_says_is_refused(tmp_path: Path) -> None:
    info = replace(read_model_info(BUNDLED), input_size=(40, 40))
    with pytest.raises(ModelError, match=r"input \(1, 40, 40, 1\) .* Received: \(1, 48, 48, 1\)"):
        EmotionClassifier(with_contract(info, tmp_path / "model.tflite"))


def test_an_output_with_another_number_of_labels_is_refused(tmp_path: Path) -> None:
    info = read_model_info(BUNDLED)
    info = replace(info, heads=(replace(info.heads[0], labels=("angry", "happy")), *info.heads[1:]))
    with pytest.raises(ModelError, match=r"output \(1, 2\) .* Received: \(1, 7\)"):
        EmotionClassifier(with_contract(info, tmp_path / "model.tflite"))


def test_without_a_runtime_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install tflite-runtime"):
        load_interpreter(BUNDLED)


def test_an_unknown_runtime_and_a_file_that_is_no_network_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Received: 'onnx'"):
        load_interpreter(BUNDLED, "onnx")
    path = tmp_path / "junk.tflite"
    path.write_bytes(b"junk" * 100)
    with pytest.raises(ModelError, match=r"junk\.tflite\. Received: "):
        load_interpreter(path)


def test_the_runtimes_module_is_loaded_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    made = SimpleNamespace(Interpreter=lambda **given: SimpleNamespace(given=given, allocate_tensors=lambda: None))
    monkeypatch.setattr("importlib.import_module", lambda name: made)
    loaded = load_interpreter(BUNDLED, installed_runtimes()[0], 3)
    assert loaded.given == {"model_path": str(BUNDLED), "num_threads": 3}
