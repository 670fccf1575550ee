"""Corruptions keep the shape, are the same every time, and grow with their strength."""

import numpy as np
import pytest

from benchmarks.corruptions import CORRUPTIONS
from benchmarks.golden import generated_faces

FACES = generated_faces(12)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_grows_with_its_strength(name: str) -> None:
    changes = []
    for strength in (1, 2, 3):
        corrupted = CORRUPTIONS[name](FACES, strength)
        assert corrupted.shape == FACES.shape
        assert corrupted.dtype == np.uint8
        assert np.array_equal(corrupted, CORRUPTIONS[name](FACES, strength))
        changes.append(float(np.abs(corrupted.astype(int) - FACES).mean()))
    assert 0 < changes[0] < changes[1] < changes[2]


def test_the_originals_are_left_alone() -> None:
    faces = generated_faces(12)
    for change in CORRUPTIONS.values():
        change(faces, 3)
    assert np.array_equal(faces, FACES)
