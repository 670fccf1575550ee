"""The shipped models and their predictions, for the gates, the reference and the report."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from edge.interpreter import MODELS, EmotionClassifier, load_interpreter
from edge.model_info import LABELS
from edge.results import FaceInput, Probabilities

Scores = dict[str, Probabilities]
"""Probabilities (faces, labels) by head, with labels in the order of LABELS."""
Predict = Callable[[FaceInput], Scores]

FLOAT_ORDER = ("float32", "float16")
"""Variants that represent the network before int8: float32 if shipped, else float16, which also computes in float."""


def shipped(folder: Path = MODELS) -> dict[str, Path]:
    """The model files by variant, sorted by name."""
    files = sorted(folder.glob("emotion_*.tflite"))
    return {file.stem.removeprefix("emotion_"): file for file in files}


def float_variant(variants: dict[str, Path]) -> str:
    """The shipped variant that the others are compared with."""
    for name in FLOAT_ORDER:
        if name in variants:
            return name
    raise ValueError(f"Expected a variant of {FLOAT_ORDER} among the models. Received: {sorted(variants)}")


def sha256(file: Path) -> str:
    """The SHA-256 of a model file, including its contract."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def predictor(file: Path, runtime: str = "auto") -> Predict:
    """A function that runs edge's classifier, with the columns of each head in the order of `LABELS`."""
    classifier = EmotionClassifier(file, runtime)
    columns = {head.name: [head.labels.index(label) for label in LABELS] for head in classifier.info.heads}

    def predict(faces: FaceInput) -> Scores:
        return {name: scores[:, columns[name]] for name, scores in classifier.predict_heads(faces).items()}

    return predict


def output_name(file: Path, head: str) -> str:
    """The name of a head's output in the graph."""
    return str(load_interpreter(file).get_signature_runner().get_output_details()[head]["name"])
