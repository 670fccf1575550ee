"""Networks of other projects: the command line gives their contract, and they are adapted to it.

python -m convert my_model.keras --labels angry,happy,neutral --input gray48
python -m convert my_model.h5 --labels labels.txt --input rgb96 --pixels signed
python -m convert saved_model/ --labels angry,happy,neutral --input gray64x48 --pixels unit
"""

import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import ConfigError, ModelError
from edge.model_info import Head, ModelInfo, network_sha256
from edge.results import FaceInput

PIXELS = {"bytes": (1.0, 0.0), "unit": (1 / 255, 0.0), "signed": (1 / 127.5, -1.0)}
"""The pixel ranges that a network may want (0 to 255, 0 to 1, -1 to 1), with the scale and offset from bytes."""
HEAD = "network"
"""The name of the only head of a network without named heads."""
SCALING = ("Rescaling", "Normalization", "BatchNormalization")
_INPUT = re.compile(r"(gray|rgb)(\d{1,4})(?:x(\d{1,4}))?")
SUM_TOLERANCE = 1e-2
"""How far a sum of probabilities may be from 1: float16 sums are inexact."""


@dataclass(frozen=True)
class Declared:
    """What the command line says about a network without a contract."""

    labels: tuple[str, ...]
    color: str
    size: tuple[int, int]
    """(width, height)."""
    pixels: str = "bytes"

    def info(self, path: Path) -> ModelInfo:
        """Make the contract that the network lacks."""
        head = Head(HEAD, self.labels, trained_on="data of another project")
        return ModelInfo(path.stem, heads=(head,), input_size=self.size, color=self.color, dataset="of another project")


def declare(labels: str, form: str, pixels: str) -> Declared:
    """Read the options: labels (or a file with them), a form such as gray48 or rgb96x112, and one of PIXELS.

    Raises:
        ConfigError: a part is missing or wrong.
    """
    match = _INPUT.fullmatch(form)
    if not match:
        raise ConfigError(f"Expected --input as in gray48, rgb96 or gray64x48 (width x height). Received: {form!r}")
    width, height = int(match[2]), int(match[3] or match[2])
    if not 8 <= min(width, height) <= max(width, height) <= 1024:
        raise ConfigError(f"Expected sides from 8 to 1024 in --input. Received: {form!r}")
    return Declared(_words(labels), match[1], (width, height), pixels)


def load_network(path: Path, keras: Any) -> Any:
    """Load the network of a .keras or .h5 file, or of a SavedModel's folder, which remains a black box.

    Raises:
        ModelError: it is not one of these.
    """
    try:
        if path.is_dir():
            return _load_saved_model(path, keras)
        return keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, KeyError, OSError, AttributeError, ImportError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"Expected a Keras network of Keras' own layers at {path}. Received: {reason}") from error


def is_black_box(model: Any) -> bool:
    """Whether the network's graph can't be read, so that nothing in it can be folded or equalized."""
    return any(type(layer).__name__ == "TFSMLayer" for layer in model._flatten_layers())


def adapt(trained: Any, info: ModelInfo, pixels: str, keras: Any) -> Any:
    """Adapt a network to take bytes (batch, height, width, channels) as the contract says; its outputs stay the same.

    Raises:
        ModelError: it has several inputs or outputs, or its input does not fit.
    """
    inputs = keras.Input(info.input_shape)
    scale, offset = PIXELS[pixels]
    scaled = inputs if pixels == "bytes" else keras.layers.Rescaling(scale, offset)(inputs)
    _check_input(trained, info)
    try:
        outputs = keras.tree.flatten(trained(scaled))
    except (ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"Expected a network that takes faces {info.input_shape}. Received: {reason}") from error
    if len(outputs) != 1:
        raise ModelError(f"Expected one output of the network. Received: {len(outputs)} of them")
    if len(outputs[0].shape) != 2 or outputs[0].shape[1] != len(info.labels):
        raise ModelError(
            f"Expected an output for each of the {len(info.labels)} labels {', '.join(info.labels)}. "
            f"Received: a network with outputs {tuple(outputs[0].shape)[1:]}"
        )
    return keras.Model(inputs, outputs[0], name=info.name)


def end_in_probabilities(model: Any, faces: FaceInput, keras: Any) -> tuple[Any, bool]:
    """Add a softmax to a network that ends in logits; return the network, and whether a softmax was added.

    Raises:
        ModelError: it ends in something else, such as a sigmoid for each class.
    """
    outputs = np.asarray(model.predict(faces.astype(np.float32), batch_size=64, verbose=0), np.float32)
    if not np.isfinite(outputs).all():
        raise ModelError(f"Expected finite outputs of the network. Received: {_share_not_finite(outputs)} that are not")
    sums = outputs.sum(1)
    if (outputs >= 0).all() and np.allclose(sums, 1, atol=SUM_TOLERANCE):
        return model, False
    last = _last_activation(model)
    if last not in ("linear", ""):
        raise ModelError(
            f"Expected a network that ends in a softmax or in logits. Received: {last}, whose rows sum to "
            f"{sums.min():.2f} to {sums.max():.2f}"
        )
    softmax = keras.layers.Softmax(dtype="float32", name="probabilities")
    return keras.Model(model.inputs, softmax(model.outputs[0]), name=model.name), True


def scales_pixels(trained: Any) -> bool:
    """Whether a layer at the beginning scales pixels; True for a black box, where it can't be seen."""
    layers = [layer for layer in trained._flatten_layers() if type(layer).__name__ not in ("InputLayer", "Functional")]
    return is_black_box(trained) or any(type(layer).__name__ in SCALING for layer in layers[:6])


def with_one_face(model: Any, keras: Any) -> Any:
    """Wrap a black box for a batch of 1, so that no shape in it is dynamic."""
    inputs = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image")
    return keras.Model(inputs, model(inputs), name=model.name)


def hash_network(path: Path) -> str:
    """The SHA-256 of the network in a `.keras` file, of another file, or of all files of a folder."""
    if zipfile.is_zipfile(path):
        return network_sha256(path)
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _words(labels: str) -> tuple[str, ...]:
    path = Path(labels)
    try:
        text = path.read_text() if path.suffix == ".txt" else labels.replace(",", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Expected a text file with a label on each line in --labels. Received: {error}") from error
    words = tuple(word.strip() for word in text.splitlines() if word.strip())
    if len(words) < 2 or len(set(words)) != len(words):
        raise ConfigError(f"Expected two or more different words in --labels. Received: {labels!r}")
    return words


def _load_saved_model(path: Path, keras: Any) -> Any:
    if not (path / "saved_model.pb").is_file():
        raise ValueError("a folder without saved_model.pb")
    import tensorflow as tf

    signatures = tf.saved_model.load(str(path)).signatures
    if len(signatures) != 1 and "serving_default" not in signatures:
        raise ValueError(f"a SavedModel with signatures {sorted(signatures)}, none of them serving_default")
    name = "serving_default" if "serving_default" in signatures else next(iter(signatures))
    (shape,) = (tensor.shape for tensor in signatures[name].structured_input_signature[1].values())
    inputs = keras.Input(tuple(shape)[1:])
    outputs = keras.tree.flatten(keras.layers.TFSMLayer(str(path), call_endpoint=name)(inputs))
    return keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs)


def _check_input(trained: Any, info: ModelInfo) -> None:
    shapes = [tuple(tensor.shape) for tensor in keras_inputs(trained)]
    if not shapes:
        return  # a Sequential that was never built takes any input
    if len(shapes) != 1:
        raise ModelError(f"Expected one input of the network. Received: {len(shapes)} of them")
    received, wanted = shapes[0][1:], info.input_shape
    fits = len(received) == 3 and all(side in (None, want) for side, want in zip(received, wanted, strict=True))
    if not fits:
        raise ModelError(
            f"Expected a network that takes (height, width, channels) {wanted}, as --input says. Received: {received}"
        )


def keras_inputs(trained: Any) -> list[Any]:
    """The input tensors of a network; a Sequential that was never built has none."""
    try:
        return list(trained.inputs or [])
    except (AttributeError, ValueError):
        return []


def _last_activation(model: Any) -> str:
    """The name of the last layer's activation; empty if it has none or hides it."""
    last = model.outputs[0]._keras_history.operation
    if type(last).__name__ in ("Softmax", "ReLU"):
        return type(last).__name__.lower()
    return getattr(getattr(last, "activation", None), "__name__", "")


def _share_not_finite(outputs: Any) -> str:
    return f"{int((~np.isfinite(outputs)).any(1).sum())} of {len(outputs)}"
