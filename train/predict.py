"""A Keras network as a function of pictures."""

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from edge.results import Probabilities

Predict = Callable[[NDArray[np.uint8]], Probabilities]
"""Pictures (n, 48, 48) uint8 to probabilities (n, labels)."""


def predictor(model: keras.Model) -> Predict:
    """The network's probabilities, float32."""

    def predict(images: NDArray[np.uint8]) -> Probabilities:
        inputs = images[..., np.newaxis].astype(np.float32)
        return np.asarray(model.predict(inputs, batch_size=256, verbose=0), np.float32)

    return predict
