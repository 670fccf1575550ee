"""Augmentation against Keras' own affine matrices, and what each range does."""

import math
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from train.augment import DAMAGES, Augmentation, Pixels, _dark, _enlarged, _matrices, augment, mixup

Damage = Callable[[Pixels, np.random.Generator], Pixels]
OFF = Augmentation(rotation=0, shift=0, shear=0, zoom=0, flip=False)


def one(options: Augmentation, image: np.ndarray, seed: int = 0, size: int = 48) -> np.ndarray:
    return augment(image[np.newaxis], options, np.random.default_rng(seed), size)[0]


@pytest.fixture
def image() -> np.ndarray:
    rows, columns = np.mgrid[:48, :48]
    return (128 + 60 * np.sin(rows / 5) + 60 * np.cos(columns / 7)).astype(np.uint8)


def test_everything_off_changes_nothing(image: np.ndarray) -> None:
    assert (one(OFF, image) == image).all()


def test_the_flip_mirrors_half_of_the_images(image: np.ndarray) -> None:
    changed = augment(np.stack([image] * 400), Augmentation(0, 0, 0, 0, flip=True), np.random.default_rng(0), 48)
    mirrored = [(changed_image == image[:, ::-1]).all() for changed_image in changed]
    assert 160 < sum(mirrored) < 240
    assert all(m or (changed_image == image).all() for m, changed_image in zip(mirrored, changed, strict=True))


def test_the_matrix_is_that_of_keras_for_the_same_draws() -> None:
    options, seed = Augmentation(flip=False), 5
    draws = np.random.default_rng(seed)
    angle, shear = (math.radians(draws.uniform(-limit, limit, 1)[0]) for limit in (15, 0.1))
    down, right = (draws.uniform(-0.1, 0.1, 1)[0] * 48 for _ in range(2))
    zoom_down, zoom_right = (draws.uniform(0.9, 1.1, 1)[0] for _ in range(2))
    # keras/src/legacy/preprocessing/image.py, apply_affine_transform, in (row, column) order:
    rotate = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    move = np.array([[1, 0, down], [0, 1, right], [0, 0, 1]])
    slant = np.array([[1, -math.sin(shear), 0], [0, math.cos(shear), 0], [0, 0, 1]])
    scale = np.diag([zoom_down, zoom_right, 1])
    to_center, back = np.eye(3), np.eye(3)
    to_center[:2, 2], back[:2, 2] = 23.5, -23.5
    expected = to_center @ rotate @ move @ slant @ scale @ back
    ours = _matrices(1, (48, 48), options, np.random.default_rng(seed), 48)[0]
    swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    assert np.allclose(ours, (swap @ expected @ swap)[:2], atol=1e-5)


def test_a_smaller_size_shows_the_whole_image(image: np.ndarray) -> None:
    small = one(OFF, image, size=32)
    assert small.shape == (32, 32)
    assert abs(small.mean() - image.mean()) < 3
    assert (cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA).astype(int) - small).std() < 8


def test_border_pixels_are_repeated() -> None:
    white = np.full((48, 48), 255, np.uint8)
    assert (one(Augmentation(), white) == 255).all()


def test_erasing_fills_a_rectangle_and_brightness_shifts_the_mean(image: np.ndarray) -> None:
    many = np.stack([image] * 100)
    erased = augment(many, Augmentation(0, 0, 0, 0, False, erasing=1.0), np.random.default_rng(0), 48)
    shares = [(a != b).mean() for a, b in zip(erased, many, strict=True)]
    assert min(shares) > 0.01
    assert max(shares) < 0.25
    lit = augment(many, Augmentation(0, 0, 0, 0, False, brightness=0.1), np.random.default_rng(0), 48)
    assert 5 < np.ptp(lit.mean((1, 2))) < 52


def test_the_seed_decides(image: np.ndarray) -> None:
    assert (one(Augmentation(), image, 1) == one(Augmentation(), image, 1)).all()
    assert (one(Augmentation(), image, 1) != one(Augmentation(), image, 2)).any()


def test_mixup_mixes_images_and_targets_by_one_share() -> None:
    inputs = np.array([0.0, 1.0], np.float32).reshape(2, 1, 1, 1)
    generator = np.random.default_rng(3)
    mixed, targets = mixup(inputs, {"a": np.eye(2, dtype=np.float32), "b": np.eye(2, dtype=np.float32)}, 1.0, generator)
    for head in ("a", "b"):
        assert np.allclose(targets[head][:, 1], mixed.ravel())
        assert np.allclose(targets[head].sum(1), 1)


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_a_camera_does_changes_a_face_and_keeps_its_shape(damage: Damage, image: np.ndarray) -> None:
    damaged = damage(image, np.random.default_rng(1))
    assert (damaged.shape, damaged.dtype) == (image.shape, np.uint8)
    difference = np.abs(damaged.astype(int) - image).mean()
    assert 0.5 < difference < 100


def test_low_light_is_darker_and_lost_focus_is_smoother(image: np.ndarray) -> None:
    assert _dark(image, np.random.default_rng(0)).mean() < image.mean() - 10
    edges = [
        np.abs(np.diff(changed_image.astype(int))).mean()
        for changed_image in (_enlarged(image, np.random.default_rng(0)), image)
    ]
    assert edges[0] < edges[1]


def test_as_many_images_as_asked_are_damaged(image: np.ndarray) -> None:
    images = np.repeat(image[np.newaxis], 400, 0)
    changed = augment(images, replace(OFF, camera=0.25), np.random.default_rng(0), 48)
    assert 0.19 < (changed != images).any((1, 2)).mean() < 0.31
