"""The Keras file that a conversion starts from: its network, its contract and its hash."""

import contextlib
import io
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from convert.foreign import (
    HEAD,
    Declared,
    adapt,
    end_in_probabilities,
    hash_network,
    is_black_box,
    load_network,
    scales_pixels,
)
from edge.errors import ModelError
from edge.model_info import ModelInfo, read_model_info
from edge.results import FaceInput, Probabilities
from edge.score_checks import check_scores

BATCH = 256
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KerasSource:
    """A trained network, with its contract and its hash."""

    model: Any
    """A keras.Model on the TensorFlow backend."""
    info: ModelInfo
    sha256: str
    """`hash_network` of the file."""

    def predict(self, faces: FaceInput) -> dict[str, Probabilities]:
        """Return the probabilities (n, labels), float32, of each head for faces (n, height, width, channels)."""
        parts = [self._predict(faces[start : start + BATCH]) for start in range(0, len(faces), BATCH)]
        return {head.name: np.concatenate([part[head.name] for part in parts]) for head in self.info.heads}

    @property
    def is_foreign(self) -> bool:
        """Whether another project made it."""
        return self.info.heads[0].name == HEAD

    def _predict(self, faces: FaceInput) -> dict[str, Probabilities]:
        outputs = self.model.predict(faces.astype(np.float32), batch_size=BATCH, verbose=0)
        by_head = outputs if isinstance(outputs, dict) else {self.info.heads[0].name: outputs}
        return {head.name: np.asarray(by_head[head.name], np.float32) for head in self.info.heads}


def load_source(path: Path, declared: Declared | None = None) -> KerasSource:
    """Read a Keras file written by `python -m train`, or another one that `declared` describes.

    The backend and precision of the training do not matter.

    Raises:
        ModelError: the file, its Keras network or its contract is missing, they contradict each other, or weights
            are NaN.
    """
    info = _contract_of(path, declared)
    keras = use_tensorflow()
    from convert.graph import build_model, read_graph

    with quiet():
        trained = load_network(path, keras)
        scales = scales_pixels(trained)
        if declared:
            trained = adapt(trained, info, declared.pixels, keras)
        try:
            model = trained if is_black_box(trained) else build_model(read_graph(trained), batch_size=None)
        except (ValueError, TypeError, KeyError, OSError, AttributeError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ModelError(
                f"Expected a Sequential or functional Keras network at {path}. Received: {reason}"
            ) from error
    if declared and declared.pixels == "bytes" and not scales:
        log.warning(
            "Warning: no layer of %s scales pixels, so it is taken to want them from 0 to 255; "
            "if it was trained on 0 to 1 or -1 to 1, say --pixels unit or --pixels signed",
            path,
        )
    _check_weights(model, path)
    _check_contract(model, info, path)
    return KerasSource(model, info, hash_network(path))


def checked(source: KerasSource, faces: FaceInput) -> KerasSource:
    """Check a source's scores on some faces; if it ends in logits, a softmax is added.

    Args:
        source: a network as `load_source` returned it.
        faces: different faces, (n, height, width, channels).

    Raises:
        ModelError: scores are not finite, do not sum to 1, or are the same for every face.
    """
    if source.is_foreign:
        model, added = end_in_probabilities(source.model, faces, use_tensorflow())
        if added:
            log.info("The network ends in logits: a softmax is added")
        source = replace(source, model=model)
    for head, scores in source.predict(faces).items():
        check_scores(scores, f"{head} of the network")
    return source


def _contract_of(path: Path, declared: Declared | None) -> ModelInfo:
    if declared is None:
        try:
            return read_model_info(path)
        except ModelError as error:
            if not path.exists() or (path.is_file() and not path.stat().st_size):
                raise
            wanted = "for a network of another project, give --labels and --input"
            raise ModelError(str(error).replace(". Received: ", f"; {wanted}. Received: ", 1)) from error
    if not path.exists():
        raise ModelError(f"Expected a Keras file or a SavedModel's folder at {path}. Received: nothing there")
    if _has_contract(path):
        raise ModelError(f"Expected no --labels and --input for {path}, whose contract says them. Received: both")
    return declared.info(path)


def _has_contract(path: Path) -> bool:
    try:
        read_model_info(path)
    except ModelError:
        return False
    return True


def _check_weights(model: Any, path: Path) -> None:
    wrong = [weight.path for weight in model.weights if not np.isfinite(np.asarray(weight)).all()]
    if wrong:
        raise ModelError(
            f"Expected finite weights in {path}: was its training at an end? "
            f"Received: NaN or infinity in {len(wrong)} of {len(model.weights)}, first in {wrong[0]}"
        )


def use_tensorflow() -> Any:
    """Return the keras module on the TensorFlow backend, the only one that can convert.

    Raises:
        ModelError: Keras or TensorFlow is not installed, or Keras already runs on another backend.
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
    """Within this context, hide what Keras' exporter and the converter's C++ print; errors are still raised."""
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
    expected = (None, *info.input_shape), {head.name: (None, len(head.labels)) for head in info.heads}
    outputs = model.output if isinstance(model.output, dict) else {info.heads[0].name: model.output}
    received = tuple(model.input_shape), {name: tuple(output.shape) for name, output in outputs.items()}
    if received != expected:
        raise ModelError(
            f"Expected input and output shapes {expected} in {path}, as its contract says. Received: {received}"
        )
