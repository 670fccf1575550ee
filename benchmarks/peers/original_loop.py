"""The system that this project grew from: Haar on a downscaled frame, Keras `predict` for each face, one thread."""

import cv2
import keras
import numpy as np

from benchmarks.peers.haar import HalfSizeHaar, as_batch
from edge.model_info import LABELS
from edge.results import BgrImage, GrayImage, Probabilities


class OriginalLoop:
    """gray -> half size -> cascade -> crop, 48x48 -> predict -> draw, on every frame."""

    def __init__(self, model: str) -> None:
        self._detector = HalfSizeHaar()
        self._network = keras.models.load_model(model, compile=False)

    def find(self, image: BgrImage) -> list[str]:
        """Label each face, and draw it, as the original's loop does."""
        drawn, labels = image.copy(), []
        for (x, y, width, height), face in self._detector.faces(image):
            scores = self._network.predict(as_batch(face[np.newaxis]), verbose=0)[0]
            labels.append(LABELS[int(scores.argmax())])
            cv2.rectangle(drawn, (x, y), (x + width, y + height), (0, 255, 0), 2)
            text = f"{labels[-1]} {scores.max():.2f}"
            cv2.putText(drawn, text, (x, y - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 255, 0), 2)
        return labels

    def classify(self, faces: GrayImage) -> Probabilities:
        """One face at a time, as the loop does."""
        rows = [self._network.predict(batch[np.newaxis], verbose=0)[0] for batch in as_batch(faces)]
        return np.array(rows, np.float32)


def create(model: str) -> OriginalLoop:
    """A peer that runs a `.keras` file with input in [0, 255]."""
    return OriginalLoop(model)
