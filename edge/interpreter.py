"""The emotion network in a TFLite runtime: the only file that imports tflite_runtime or ai-edge-litert."""

import ctypes
import importlib
import logging
import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.config import delegate_parts
from edge.errors import ConfigError, ModelError
from edge.model_info import PEOPLE, read_model_info
from edge.results import FaceInput, Probabilities
from edge.runtimes import RUNTIMES, choose_runtime, installed_runtimes
from edge.score_checks import check_finite, check_scores, varied_faces
from edge.tflite_file import check_whole

MODELS = Path(__file__).parent / "models"

_log = logging.getLogger(__name__)


def load_interpreter(model: str | os.PathLike[str], runtime: str = "auto", threads: int = 1, delegate: str = "") -> Any:
    """Load a `.tflite` file into an interpreter with its tensors allocated.

    `delegate` names an accelerator's TFLite delegate (`FILE,key=value`). If it can't be used, the log says why, the
    processor does the work, and the interpreter's own `delegate` is empty.

    Raises:
        ConfigError: the runtime is unknown or not installed.
        ModelError: the file is cut off, or the runtime refuses it (it lacks an operator).
    """
    runtime = choose_runtime(runtime)
    if runtime not in RUNTIMES:
        raise ConfigError(f"Expected a runtime of {('auto', *RUNTIMES)}. Received: {runtime!r}")
    if runtime not in installed_runtimes():
        package = {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}[runtime]
        raise ConfigError(f"Expected the package {package}: pip install {package}. Received: it is not installed")
    check_whole(model)
    return _Interpreter(model, runtime, threads, delegate)


def invoke(
    interpreter: Any, index: int, value: "np.ndarray[Any, Any]", outputs: Sequence[int]
) -> "list[np.ndarray[Any, Any]]":
    """Run a network once: write `value` to the tensor `index`, and return copies of the `outputs`."""
    interpreter.set_tensor(index, value)
    interpreter.invoke()
    return [interpreter.get_tensor(output) for output in outputs]


class _Interpreter:
    """The runtime's own interpreter, built again in a forked process: there its threads are missing, and a call that
    waits for them would never return."""

    def __init__(self, model: str | os.PathLike[str], runtime: str, threads: int, delegate: str = "") -> None:
        self._arguments = model, runtime, threads
        self.delegate = delegate
        self._build()
        _INTERPRETERS.add(self)

    def __getattr__(self, name: str) -> Any:
        if self._process != os.getpid():
            self._build()
        return getattr(self._built, name)

    def leave_to_parent(self) -> None:
        """Never free the runtime's object in this forked process: that would wait for threads of the parent."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._built))

    def _build(self) -> None:
        self._process = os.getpid()
        model, runtime, threads = self._arguments
        try:
            module = importlib.import_module(RUNTIMES[runtime])
            self._built = self._accelerated(module) or module.Interpreter(model_path=str(model), num_threads=threads)
            self._built.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(
                f"Expected a TFLite model that {runtime} can run at {model}. Received: {reason}"
            ) from error

    def _accelerated(self, module: Any) -> Any:
        """The runtime's interpreter with the delegate; None if there is none, or if it can't be used."""
        if not self.delegate:
            return None
        model, _, threads = self._arguments
        library, options = delegate_parts(self.delegate)
        try:
            ctypes.CDLL(library)  # a failure inside the runtime would leave half an object behind, and a complaint
            delegates = [module.load_delegate(library, options)]
            built = module.Interpreter(model_path=str(model), num_threads=threads, experimental_delegates=delegates)
            built.allocate_tensors()
            built.invoke()  # some refuse only now
        except (OSError, ValueError, RuntimeError, AttributeError) as error:
            reason = " ".join(str(error).split())
            _log.warning("delegate %s is not used for %s, the processor is: %s", library, Path(model).name, reason)
            self.delegate = ""
            return None
        return built


_INTERPRETERS: "weakref.WeakSet[_Interpreter]" = weakref.WeakSet()


def _leave_interpreters_to_parent() -> None:
    for interpreter in list(_INTERPRETERS):
        interpreter.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_interpreters_to_parent)


class EmotionClassifier:
    """The emotion network: faces in, scores out.

    Usage:
        classifier = EmotionClassifier("edge/models/emotion_int8.tflite", scores="people")
        probabilities = classifier.predict(faces)  # (n, 48, 48, 1) uint8 -> (n, 7) float32
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        runtime: str = "auto",
        threads: int = 1,
        scores: str = PEOPLE,
        delegate: str = "",
    ) -> None:
        self._file = model
        self.info = read_model_info(model)
        self.head = self.info.head(scores)
        """The name of the head that `predict` takes the scores from."""
        self.runtime = choose_runtime(runtime)
        self._interpreter = load_interpreter(model, runtime, threads, delegate)
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._find_outputs(model)
        self._indices = [output["index"] for output in self._outputs.values()]
        self._check_contract(model)

    @property
    def delegate(self) -> str:
        """The delegate that runs the network; empty if the processor does."""
        delegate: str = self._interpreter.delegate
        return delegate

    def predict(self, faces: FaceInput) -> Probabilities:
        """Return the chosen head's scores, (faces, labels), for uint8 faces, (faces, height, width, channels)."""
        return self.predict_heads(faces)[self.head.name]

    def predict_heads(self, faces: FaceInput) -> dict[str, Probabilities]:
        """Return the scores of every head by name, from one pass through the network per face.

        Raises:
            ModelError: a score is NaN or infinite.
        """
        scores = {head.name: np.empty((len(faces), len(head.labels)), np.float32) for head in self.info.heads}
        for row, face in enumerate(faces):
            value = face[np.newaxis].astype(self._input["dtype"], copy=False)
            given = invoke(self._interpreter, self._input["index"], value, self._indices)
            for (name, output), tensor in zip(self._outputs.items(), given, strict=True):
                scores[name][row] = _dequantize(tensor[0], output)
        for rows in scores.values():
            check_finite(rows, self._file)
        return scores

    def warm_up(self) -> None:
        """Run on a few images: the first run is slow, and a broken network is found before it sees a face.

        Raises:
            ModelError: the scores are not finite, do not sum to 1, or never change with the image.
        """
        for head, scores in self.predict_heads(varied_faces(self.info.input_shape)).items():
            check_scores(scores, f"{head} of {self._file}")

    def _find_outputs(self, model: str | os.PathLike[str]) -> dict[str, Any]:
        """Each head's output, found by its name in the file's signature; a file with one head has one output."""
        outputs = self._interpreter.get_output_details()
        names = [head.name for head in self.info.heads]
        if len(names) == 1 and len(outputs) == 1:
            return {names[0]: outputs[0]}
        signed = self._interpreter.get_signature_runner().get_output_details() if len(outputs) > 1 else {}
        if set(signed) != set(names):
            raise ModelError(
                f"Expected the outputs {sorted(names)} in {model}, as its contract says. "
                f"Received: {sorted(signed) or len(outputs)}"
            )
        return {name: signed[name] for name in names}

    def _check_contract(self, model: str | os.PathLike[str]) -> None:
        shape = tuple(map(int, self._input["shape"]))
        if shape != (1, *self.info.input_shape):
            raise ModelError(
                f"Expected an input {(1, *self.info.input_shape)} in {model}, as its contract says. Received: {shape}"
            )
        for head in self.info.heads:
            shape = tuple(map(int, self._outputs[head.name]["shape"]))
            if shape != (1, len(head.labels)):
                raise ModelError(
                    f"Expected an output (1, {len(head.labels)}) for {head.name} in {model}, as its contract says. "
                    f"Received: {shape}"
                )
        scale, zero_point = self._input["quantization"]
        if self._input["dtype"] == np.uint8 and (scale, zero_point) != (1.0, 0):
            raise ModelError(
                f"Expected the input of {model} to take camera bytes (scale 1, zero point 0). "
                f"Received: scale {scale}, zero point {zero_point}"
            )


def _dequantize(output: np.ndarray, details: Any) -> np.ndarray:  # type: ignore[type-arg]
    if output.dtype == np.float32:
        return output
    scale, zero_point = details["quantization"]
    return (output.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
