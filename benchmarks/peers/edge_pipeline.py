"""This project: the engine of `python -m edge.run` with its defaults."""

from edge.config import EdgeConfig
from edge.engine import Engine
from edge.pipeline import create_classifier
from edge.results import BgrImage, Frame, GrayImage, Probabilities


class EdgePeer:
    """Detection and classification on every third frame, tracks between.

    It uses the `label` head, since all peers were trained on FER-2013's labels.
    """

    def __init__(self, model: str, detector: str = "auto") -> None:
        config = EdgeConfig(source="demo", model=model, detector=detector, scores="label")
        self._classifier = create_classifier(config)
        self._engine = Engine(config, classifier=self._classifier)
        self._index = 0

    def find(self, image: BgrImage) -> list[str]:
        """Find faces as `edge.run` does in a clip of 30 frames per second, on every frame."""
        result = self._engine.push(Frame.now(image, self._index, "clip", position_s=self._index / 30))
        self._index += 1
        return [face.emotion for face in result.faces] if result else []

    def classify(self, faces: GrayImage) -> Probabilities:
        """Classify faces directly with the network."""
        return self._classifier.predict(faces[..., None])


def create(model: str) -> EdgePeer:
    """A peer that runs a `.tflite` file with its contract."""
    return EdgePeer(model)
