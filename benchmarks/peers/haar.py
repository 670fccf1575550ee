"""OpenCV's frontal cascade on a half-size gray frame, as in the original system; for peers without a detector."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.results import BgrImage, Box, GrayImage


class HalfSizeHaar:
    """The detector with a scale step of 1.3 and five neighbors: the usual values of tutorials, and fast ones."""

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")  # type: ignore[attr-defined]

    def faces(self, image: BgrImage) -> Iterator[tuple[Box, GrayImage]]:
        """Each face's box in the full frame and its pixels resized to (48, 48)."""
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        small = cv2.resize(gray, None, fx=0.5, fy=0.5)
        for found in self._cascade.detectMultiScale(small, scaleFactor=1.3, minNeighbors=5):
            box = Box(*(int(value) * 2 for value in found))
            face = gray[box.y : box.y + box.height, box.x : box.x + box.width]
            yield box, cv2.resize(face, (48, 48))  # type: ignore[misc]


def as_batch(faces: GrayImage) -> NDArray[np.float32]:
    """Convert uint8 faces (n, 48, 48) to a float batch (n, 48, 48, 1) in [0, 255]: the networks scale by themselves."""
    return faces.astype(np.float32)[..., np.newaxis]
