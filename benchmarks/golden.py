"""Generated faces, with which every machine can check the shipped models without the data set.

They are drawings (an oval, eyes, brows, a mouth, under changing light and noise) from a fixed seed, made with
only integer arithmetic and OpenCV's drawing functions, so the pixels are the same everywhere.
"""

import hashlib

import cv2
import numpy as np

from edge.results import FaceInput, GrayImage

COUNT = 96
SIDE = 48


def generated_faces(count: int = COUNT, seed: int = 2013) -> FaceInput:
    """Draw faces (count, 48, 48, 1), uint8; the bytes are the same on every machine."""
    generator = np.random.default_rng(seed)
    return np.stack([_drawn_face(generator) for _ in range(count)])[..., np.newaxis]


def digest(faces: FaceInput) -> str:
    """The SHA-256 of the pixels, to compare what two machines drew."""
    return hashlib.sha256(faces.tobytes()).hexdigest()


def _drawn_face(generator: np.random.Generator) -> GrayImage:
    skin, dark, back = (int(generator.integers(low, high)) for low, high in ((130, 230), (10, 90), (0, 200)))
    image = np.full((SIDE, SIDE), back, np.uint8)
    centre = (24 + int(generator.integers(-2, 3)), 24 + int(generator.integers(-2, 3)))
    cv2.ellipse(image, centre, (int(generator.integers(17, 23)), 23), 0, 0, 360, (skin,), -1)
    _draw_eyes(image, centre, dark, generator)
    _draw_mouth(image, centre, dark, generator)
    return _shaded(image, generator)


def _draw_eyes(image: GrayImage, centre: tuple[int, int], dark: int, generator: np.random.Generator) -> None:
    opening, tilt, lift = int(generator.integers(1, 5)), int(generator.integers(-3, 4)), int(generator.integers(5, 9))
    for side in (-1, 1):
        x, y = centre[0] + 8 * side, centre[1] - 5
        cv2.ellipse(image, (x, y), (4, opening), 0, 0, 360, (245,), -1)
        cv2.circle(image, (x, y), min(2, opening), (dark,), -1)
        cv2.line(image, (x - 4 * side, y - lift + tilt), (x + 4 * side, y - lift), (dark,), 2)


def _draw_mouth(image: GrayImage, centre: tuple[int, int], dark: int, generator: np.random.Generator) -> None:
    width, curve, opening = (int(generator.integers(low, high)) for low, high in ((4, 11), (-5, 6), (0, 7)))
    x, y = centre[0], centre[1] + 11
    points = [(x - width, y - curve), (x, y + opening), (x + width, y - curve), (x, y - opening // 2)]
    cv2.fillPoly(image, [np.array(points, np.int32)], (dark,))
    cv2.polylines(image, [np.array(points[:3], np.int32)], False, (dark,), 2)


def _shaded(image: GrayImage, generator: np.random.Generator) -> GrayImage:
    slope, noise = int(generator.integers(-2, 3)), int(generator.integers(1, 25))
    light = slope * (np.arange(SIDE, dtype=np.int32) - SIDE // 2)
    grain = generator.integers(-noise, noise + 1, image.shape, dtype=np.int32)
    shaded: GrayImage = np.clip(image.astype(np.int32) + light + grain, 0, 255).astype(np.uint8)
    return shaded
