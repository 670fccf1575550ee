"""Images and scores that the tests of the conversion share."""

import numpy as np

from convert.calibrate import UNKNOWN, Images
from edge.model_info import ModelInfo
from train.evaluate import OWN_LABEL, Truth

INFO = ModelInfo("test")


HEAD = INFO.heads[0]


def make_images(labels: list[int], splits: list[str] | None = None, low: int = 10, high: int = 200) -> Images:
    faces = np.random.default_rng(0).integers(low, high, (len(labels), 48, 48, 1)).astype(np.uint8)
    names = tuple(str(index) for index in range(len(labels)))
    shares = np.eye(7, dtype=np.float32)[labels] * (np.array(labels) != UNKNOWN)[:, None]
    truths = {OWN_LABEL: Truth(np.array(labels), shares)}
    return Images(faces, np.array(labels), np.array(splits or ["Test"] * len(labels)), names, truths)


def one_hot(labels: list[int], confidence: float = 1.0) -> np.ndarray:  # type: ignore[type-arg]
    rows = np.full((len(labels), 7), (1 - confidence) / 6, np.float32)
    rows[np.arange(len(labels)), labels] = confidence
    return rows
