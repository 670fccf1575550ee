"""A Keras network as a function of images."""

import os
from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.results import Probabilities

Predict = Callable[[NDArray[np.uint8]], dict[str, Probabilities]]
"""A function from images (n, 48, 48) uint8 to probabilities (n, labels) by head."""
ONE_HEAD = "label"
"""The name of the single head in older files."""


def load_network(path: str | os.PathLike[str]) -> keras.Model:
    """Load the network of a .keras file for predictions; ModelError if it is not one."""
    try:
        return keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"Expected a Keras file at {path}. Received: {reason}") from error


def predictor(model: keras.Model) -> Predict:
    """A function that returns the probabilities of the network's heads, float32; the deciding head comes first."""

    def predict(images: NDArray[np.uint8]) -> dict[str, Probabilities]:
        inputs = images[..., np.newaxis].astype(np.float32)
        outputs = model.predict(inputs, batch_size=256, verbose=0)
        by_head = {head: outputs[head] for head in model.output} if isinstance(outputs, dict) else {ONE_HEAD: outputs}
        return {head: np.asarray(values, np.float32) for head, values in by_head.items()}

    return predict
