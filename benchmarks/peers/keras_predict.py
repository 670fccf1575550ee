"""The same network in Keras: all faces in one `predict`, behind the same half-size Haar."""

import keras
import numpy as np

from benchmarks.peers.haar import HalfSizeHaar, as_batch
from edge.model_info import LABELS
from edge.results import BgrImage, GrayImage, Probabilities


class KerasPredict:
    """Keras called once per frame, to show its cost without one call per face."""

    def __init__(self, model: str) -> None:
        self._detector = HalfSizeHaar()
        self._network = keras.models.load_model(model, compile=False)

    def find(self, image: BgrImage) -> list[str]:
        """The emotions of all faces at once."""
        faces = [face for _, face in self._detector.faces(image)]
        return [LABELS[row.argmax()] for row in self.classify(np.array(faces))] if faces else []

    def classify(self, faces: GrayImage) -> Probabilities:
        """Classify faces in batches of 32, Keras' default."""
        return np.asarray(self._network.predict(as_batch(faces), verbose=0))


def create(model: str) -> KerasPredict:
    """A peer that runs a `.keras` file with input in [0, 255]."""
    return KerasPredict(model)
