"""The same network in OpenCV's dnn module on one thread, behind the same half-size Haar."""

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.haar import HalfSizeHaar, as_batch
from edge.model_info import LABELS
from edge.results import BgrImage, GrayImage, Probabilities


class OpencvDnn:
    """OpenCV's dnn with the ONNX file, since its TFLite reader silently gives wrong results."""

    def __init__(self, model: str) -> None:
        cv2.setNumThreads(1)
        self._detector = HalfSizeHaar()
        self._network = cv2.dnn.readNetFromONNX(model)

    def find(self, image: BgrImage) -> list[str]:
        """The emotions of the faces."""
        return [LABELS[self._scores(as_batch(face[np.newaxis])).argmax()] for _, face in self._detector.faces(image)]

    def classify(self, faces: GrayImage) -> Probabilities:
        """Classify one face at a time, since the file's batch is fixed."""
        return np.array([self._scores(batch[np.newaxis]) for batch in as_batch(faces)], np.float32)

    def _scores(self, batch: NDArray[np.float32]) -> Probabilities:
        self._network.setInput(batch)
        return self._network.forward()[0]  # type: ignore[no-any-return]


def create(model: str) -> OpencvDnn:
    """A peer that runs an `.onnx` file with a batch of one."""
    return OpencvDnn(model)
