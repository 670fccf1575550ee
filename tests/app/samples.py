"""Results and images that the tests of the app share."""

import numpy as np

from edge.model_info import LABELS
from edge.results import BgrImage, Box, EmotionScores, Face, FrameResult


def result_of(*boxes: Box, at_s: float = 0.0) -> FrameResult:
    scores = EmotionScores(LABELS, (0.0, 0.0, 0.0, 0.7, 0.3, 0.0, 0.0))
    faces = tuple(Face(number, box, "happy", 0.7, scores) for number, box in enumerate(boxes, 1))
    return FrameResult(3, at_s, 1_700_000_000.0 + at_s, "fake", faces)


def gray_image(width: int = 320, height: int = 240) -> BgrImage:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)


def roughness(image: BgrImage) -> float:
    return float(np.abs(np.diff(image.astype(float), axis=0)).mean())
