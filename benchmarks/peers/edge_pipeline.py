"""This project: the pipeline of `python -m edge.run` with its defaults."""

import time

from edge.config import EdgeConfig
from edge.pipeline import Pipeline
from edge.results import BgrImage, Frame, GrayImage, Probabilities


class EdgePeer:
    """Detection on every third frame, tracks between; every face classified on every frame."""

    def __init__(self, model: str, detector: str = "auto") -> None:
        self._pipeline = Pipeline(EdgeConfig(source="demo", model=model, detector=detector))
        self._index = 0

    def find(self, image: BgrImage) -> list[str]:
        """As `edge.run` does it."""
        now_s = time.monotonic()
        result = self._pipeline.process(Frame(image, self._index, now_s, now_s, "clip"))
        self._index += 1
        return [face.emotion for face in result.faces]

    def classify(self, faces: GrayImage) -> Probabilities:
        """Faces straight to the network."""
        return self._pipeline.classifier.predict(faces[..., None])


def create(model: str) -> EdgePeer:
    """Of a `.tflite` file with its contract."""
    return EdgePeer(model)
