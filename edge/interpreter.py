"""The emotion network in a TFLite runtime: the only file that knows tflite_runtime or ai-edge-litert."""

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import ConfigError, ModelError
from edge.model_info import read_model_info
from edge.results import FaceInput, Probabilities

RUNTIMES = {"litert": "ai_edge_litert.interpreter", "tflite": "tflite_runtime.interpreter"}
"""Short name to module; `auto` takes the first that is installed: LiteRT's int8 is faster on x86."""
MODELS = Path(__file__).parent / "models"


def installed_runtimes() -> tuple[str, ...]:
    """The names of the TFLite runtimes on this machine, best first."""
    return tuple(name for name, module in RUNTIMES.items() if importlib.util.find_spec(module.split(".")[0]))


def choose_runtime(runtime: str) -> str:
    """The runtime itself, or for `auto` the best that is installed."""
    return (installed_runtimes() or ("tflite",))[0] if runtime == "auto" else runtime


def load_interpreter(model: str | os.PathLike[str], runtime: str = "auto", threads: int = 1) -> Any:
    """A ready interpreter (tensors allocated) of a `.tflite` file.

    Raises:
        ConfigError: the runtime is unknown or not installed.
        ModelError: the runtime refuses the file (damaged, or an operator it does not have).
    """
    runtime = choose_runtime(runtime)
    if runtime not in RUNTIMES:
        raise ConfigError(f"Expected a runtime of {('auto', *RUNTIMES)}. Received: {runtime!r}")
    if runtime not in installed_runtimes():
        package = {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}[runtime]
        raise ConfigError(f"Expected the package {package}: pip install {package}. Received: it is not installed")
    try:
        module = importlib.import_module(RUNTIMES[runtime])
        interpreter = module.Interpreter(model_path=str(model), num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"Expected a TFLite model that {runtime} can run at {model}. Received: {reason}") from error
    return interpreter


class EmotionClassifier:
    """Faces in, probabilities out.

    Usage:
        classifier = EmotionClassifier("edge/models/emotion_int8.tflite")
        probabilities = classifier.predict(faces)  # (n, 48, 48, 1) uint8 -> (n, 7) float32
    """

    def __init__(self, model: str | os.PathLike[str], runtime: str = "auto", threads: int = 1) -> None:
        self.info = read_model_info(model)
        self.runtime = choose_runtime(runtime)
        self._interpreter = load_interpreter(model, runtime, threads)
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._check_contract(model)

    def predict(self, faces: FaceInput) -> Probabilities:
        """Probabilities (faces, labels), float32, of uint8 faces (faces, height, width, channels)."""
        probabilities = np.empty((len(faces), len(self.info.labels)), np.float32)
        for row, face in zip(probabilities, faces, strict=True):
            self._interpreter.set_tensor(
                self._input["index"], face[np.newaxis].astype(self._input["dtype"], copy=False)
            )
            self._interpreter.invoke()
            row[:] = self._dequantize(self._interpreter.get_tensor(self._output["index"])[0])
        return probabilities

    def warm_up(self) -> None:
        """Run once on a blank face, so that the first real one is not the slow one."""
        self.predict(np.zeros((1, *self.info.input_shape), np.uint8))

    def _dequantize(self, output: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        if output.dtype == np.float32:
            return output
        scale, zero_point = self._output["quantization"]
        return (output.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)

    def _check_contract(self, model: str | os.PathLike[str]) -> None:
        if tuple(self._input["shape"]) != (1, *self.info.input_shape):
            raise ModelError(
                f"Expected an input {(1, *self.info.input_shape)} in {model}, as its contract says. "
                f"Received: {tuple(self._input['shape'])}"
            )
        if tuple(self._output["shape"]) != (1, len(self.info.labels)):
            raise ModelError(
                f"Expected an output (1, {len(self.info.labels)}) in {model}, as its contract says. "
                f"Received: {tuple(self._output['shape'])}"
            )
        if self._input["dtype"] == np.uint8 and tuple(self._input["quantization"]) != (1.0, 0):
            raise ModelError(
                f"Expected the input of {model} to take camera bytes (scale 1, zero point 0). "
                f"Received: {tuple(self._input['quantization'])}"
            )
