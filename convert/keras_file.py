"""The Keras file that a conversion starts from: its network, its contract and its hash."""

import contextlib
import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import ModelError
from edge.model_info import ModelInfo, read_model_info
from edge.results import FaceInput, Probabilities


@dataclass(frozen=True)
class KerasSource:
    """A trained network and what its file says about it."""

    model: Any
    """A keras.Model on the TensorFlow backend."""
    info: ModelInfo
    sha256: str

    def predict(self, faces: FaceInput) -> dict[str, Probabilities]:
        """Head to probabilities (n, labels), float32, of faces (n, height, width, 1)."""
        outputs = self.model.predict(faces.astype(np.float32), batch_size=256, verbose=0)
        by_head = outputs if isinstance(outputs, dict) else {self.info.heads[0].name: outputs}
        return {head.name: np.asarray(by_head[head.name], np.float32) for head in self.info.heads}


def load_source(path: Path) -> KerasSource:
    """Read a `.keras` file that `python -m train` wrote, whatever backend and precision it was trained in.

    Raises:
        ModelError: no file, no Keras file, no contract, or a network that contradicts it.
    """
    info = read_model_info(path)
    keras = use_tensorflow()
    from convert.graph import build_model, read_graph

    try:
        with quiet():
            trained = keras.models.load_model(path, compile=False)
            model = build_model(read_graph(trained), batch_size=None)
    except (ValueError, TypeError, KeyError, OSError, AttributeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"Expected a Keras network at {path}. Received: {reason}") from error
    _check_contract(model, info, path)
    return KerasSource(model, info, hashlib.sha256(path.read_bytes()).hexdigest())


def use_tensorflow() -> Any:
    """The keras module on the TensorFlow backend, which alone can convert.

    Raises:
        ModelError: Keras or TensorFlow is not installed, or Keras runs on another backend already.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import keras
        import tensorflow  # noqa: F401
    except ImportError as error:
        raise ModelError(f"Expected TensorFlow and Keras: pip install '.[train]'. Received: {error}") from error
    if keras.backend.backend() != "tensorflow":
        raise ModelError(f"Expected Keras on TensorFlow in this process. Received: {keras.backend.backend()}")
    return keras


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what Keras' exporter and the converter's C++ print; an error still raises."""
    saved = [os.dup(descriptor) for descriptor in (1, 2)]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(io.StringIO()):
        try:
            for descriptor in (1, 2):
                os.dup2(nowhere.fileno(), descriptor)
            yield
        finally:
            for descriptor, original in zip((1, 2), saved, strict=True):
                os.dup2(original, descriptor)
                os.close(original)


def _check_contract(model: Any, info: ModelInfo, path: Path) -> None:
    width, height = info.input_size
    expected = (None, height, width, 1), {head.name: (None, len(head.labels)) for head in info.heads}
    shapes = model.output_shape if isinstance(model.output_shape, dict) else {info.heads[0].name: model.output_shape}
    received = tuple(model.input_shape), {name: tuple(shape) for name, shape in shapes.items()}
    if received != expected:
        raise ModelError(
            f"Expected input and output shapes {expected} in {path}, as its contract says. Received: {received}"
        )
