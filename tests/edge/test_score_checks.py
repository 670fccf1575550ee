"""Scores that no softmax gives of different faces are refused, and those of a live network are not."""

import numpy as np
import pytest

from edge import score_checks
from edge.errors import ModelError
from edge.results import Probabilities


def scores() -> Probabilities:
    raw = np.random.default_rng(0).random((8, 7)).astype(np.float32)
    return raw / raw.sum(1, keepdims=True)


def test_scores_of_a_softmax_pass_even_if_they_hardly_change() -> None:
    score_checks.check_scores(scores(), "a network")
    nearly_alike = np.full((8, 7), 1 / 7, np.float32)
    nearly_alike[3, 2] += 1e-6
    score_checks.check_scores(nearly_alike, "an untrained network")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (np.full((8, 7), np.nan), "finite scores of my.tflite.* 8 of 8"),
        (np.where(np.arange(8)[:, None] == 2, np.inf, 1 / 7) * np.ones((8, 7)), "finite scores of my.tflite.* 1 of 8"),
        (np.full((8, 7), 0.9), "sum to 1.* sums from 6.3 to 6.3"),
        (np.zeros((8, 7)), "sum to 1"),
        (np.full((8, 7), 1 / 7), "change with the image.* always 0.143"),
    ],
)
def test_others_are_refused(wrong: Probabilities, says: str) -> None:
    with pytest.raises(ModelError, match=f"^Expected .*{says}"):
        score_checks.check_scores(wrong.astype(np.float32), "my.tflite")


@pytest.mark.parametrize("shape", [(48, 48, 1), (96, 64, 3)])
def test_the_varied_faces_differ(shape: tuple[int, int, int]) -> None:
    faces = score_checks.varied_faces(shape)
    assert (faces.shape, faces.dtype) == ((8, *shape), np.uint8)
    assert len({face.tobytes() for face in faces}) == 8
