"""The same network in onnxruntime on one thread, behind the same half-size Haar."""

import numpy as np
import onnxruntime  # type: ignore[import-not-found]
from numpy.typing import NDArray

from benchmarks.peers.haar import HalfSizeHaar, as_batch
from edge.model_info import LABELS
from edge.results import BgrImage, GrayImage, Probabilities


class OnnxRuntime:
    """onnxruntime in float32, with graph optimization at its default (all)."""

    def __init__(self, model: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._detector = HalfSizeHaar()
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def find(self, image: BgrImage) -> list[str]:
        """The emotions of the faces."""
        return [LABELS[self._scores(as_batch(face[np.newaxis])).argmax()] for _, face in self._detector.faces(image)]

    def classify(self, faces: GrayImage) -> Probabilities:
        """Classify one face at a time, since the file's batch is fixed."""
        return np.array([self._scores(batch[np.newaxis]) for batch in as_batch(faces)], np.float32)

    def _scores(self, batch: NDArray[np.float32]) -> Probabilities:
        return self._session.run(None, {self._input: batch})[0][0]  # type: ignore[no-any-return]


def create(model: str) -> OnnxRuntime:
    """A peer that runs an `.onnx` file with a batch of one."""
    return OnnxRuntime(model)
