"""The shipped models and what they say: shared by the gates, the reference and the report."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from edge.interpreter import MODELS, EmotionClassifier, load_interpreter
from edge.model_info import LABELS
from edge.results import FaceInput, Probabilities

Scores = dict[str, Probabilities]
"""Head to probabilities (faces, labels), the labels in the order of LABELS."""
Predict = Callable[[FaceInput], Scores]

FLOAT_ORDER = ("float32", "float16")
"""The network before int8: float32 if it is shipped, else float16, which computes in float too."""


def shipped(folder: Path = MODELS) -> dict[str, Path]:
    """Variant to file, sorted by name."""
    files = sorted(folder.glob("emotion_*.tflite"))
    return {file.stem.removeprefix("emotion_"): file for file in files}


def float_variant(variants: dict[str, Path]) -> str:
    """The shipped variant that the others are compared with."""
    for name in FLOAT_ORDER:
        if name in variants:
            return name
    raise ValueError(f"Expected a variant of {FLOAT_ORDER} among the models. Received: {sorted(variants)}")


def sha256(file: Path) -> str:
    """The hash of a model file, contract included."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def predictor(file: Path, runtime: str = "auto") -> Predict:
    """Edge's own classifier, the columns of each head put by their names into the order of `LABELS`."""
    classifier = EmotionClassifier(file, runtime)
    columns = {head.name: [head.labels.index(label) for label in LABELS] for head in classifier.info.heads}

    def predict(faces: FaceInput) -> Scores:
        return {name: scores[:, columns[name]] for name, scores in classifier.predict_heads(faces).items()}

    return predict


def output_name(file: Path, head: str) -> str:
    """What the graph calls the output of a head."""
    return str(load_interpreter(file).get_signature_runner().get_output_details()[head]["name"])
