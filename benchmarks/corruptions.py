"""Corruptions by a camera at three strengths, after ImageNet-C (Hendrycks and Dietterich 2019), for 48x48 gray faces.

Each corruption takes faces (n, 48, 48, 1) uint8 and a strength of 1 to 3, and returns the same shape and type.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.results import FaceInput, GrayImage

Corruption = Callable[[FaceInput, int], FaceInput]
STRENGTHS = (1, 2, 3)


def brighter(faces: FaceInput, strength: int) -> FaceInput:
    """Add 30, 60 or 90 gray levels."""
    return _clipped(faces.astype(np.float32) + 30 * strength)


def darker(faces: FaceInput, strength: int) -> FaceInput:
    """Subtract 30, 60 or 90 gray levels."""
    return _clipped(faces.astype(np.float32) - 30 * strength)


def low_contrast(faces: FaceInput, strength: int) -> FaceInput:
    """Shrink the range around the face's mean to 0.6, 0.4 or 0.25."""
    mean = faces.mean(axis=(1, 2, 3), keepdims=True)
    return _clipped((faces - mean) * (0.6, 0.4, 0.25)[strength - 1] + mean)


def blur(faces: FaceInput, strength: int) -> FaceInput:
    """Gaussian blur of sigma 0.7, 1.2 or 2 pixels."""
    sigma = (0.7, 1.2, 2.0)[strength - 1]
    return _each(faces, lambda face: cv2.GaussianBlur(face, (0, 0), sigma))  # type: ignore[arg-type,return-value]


def noise(faces: FaceInput, strength: int) -> FaceInput:
    """Gaussian noise of 8, 16 or 28 grey levels, seeded."""
    grain = np.random.default_rng(strength).normal(0, (8, 16, 28)[strength - 1], faces.shape)
    return _clipped(faces + grain)


def jpeg(faces: FaceInput, strength: int) -> FaceInput:
    """JPEG of quality 40, 20 or 10."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, (40, 20, 10)[strength - 1]]

    def recoded(face: GrayImage) -> GrayImage:
        return cv2.imdecode(cv2.imencode(".jpg", face, quality)[1], cv2.IMREAD_GRAYSCALE)  # type: ignore[return-value]

    return _each(faces, recoded)


def rotation(faces: FaceInput, strength: int) -> FaceInput:
    """Turn by 10, 20 or 30 degrees, every second face the other way."""
    degrees = (10, 20, 30)[strength - 1]
    turned = [_moved(face, degrees if index % 2 else -degrees, 0) for index, face in enumerate(faces[..., 0])]
    return np.stack(turned)[..., np.newaxis]


def shift(faces: FaceInput, strength: int) -> FaceInput:
    """Move sideways by 3, 6 or 9 pixels, every second face the other way, as if the box were off."""
    pixels = 3 * strength
    moved = [_moved(face, 0, pixels if index % 2 else -pixels) for index, face in enumerate(faces[..., 0])]
    return np.stack(moved)[..., np.newaxis]


def occlusion(faces: FaceInput, strength: int) -> FaceInput:
    """A gray block of 12, 18 or 24 pixels at a seeded place."""
    side = (12, 18, 24)[strength - 1]
    covered = faces.copy()
    corners = np.random.default_rng(strength).integers(0, faces.shape[1] - side + 1, (len(faces), 2))
    for face, (top, left) in zip(covered, corners, strict=True):
        face[top : top + side, left : left + side] = 128
    return covered


def low_resolution(faces: FaceInput, strength: int) -> FaceInput:
    """Shrink and enlarge, as if the face were 32, 24 or 16 pixels wide in the frame."""
    side = (32, 24, 16)[strength - 1]

    def coarse(face: GrayImage) -> GrayImage:
        small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, face.shape[::-1], interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]

    return _each(faces, coarse)


CORRUPTIONS: dict[str, Corruption] = {
    "brighter": brighter,
    "darker": darker,
    "low contrast": low_contrast,
    "blur": blur,
    "noise": noise,
    "jpeg": jpeg,
    "rotation": rotation,
    "shift": shift,
    "occlusion": occlusion,
    "low resolution": low_resolution,
}


def _clipped(pixels: NDArray[np.floating[Any]]) -> FaceInput:
    clipped: FaceInput = np.clip(np.round(pixels), 0, 255).astype(np.uint8)
    return clipped


def _each(faces: FaceInput, change: Callable[[GrayImage], GrayImage]) -> FaceInput:
    return np.stack([change(face) for face in faces[..., 0]])[..., np.newaxis]


def _moved(face: GrayImage, degrees: float, pixels: float) -> GrayImage:
    height, width = face.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    matrix[0, 2] += pixels
    return cv2.warpAffine(face, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]
