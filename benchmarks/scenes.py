"""Frames with known faces: crowds of the demo's portrait for latency, pasted FER-2013 faces for accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.boxes import overlap
from edge.detectors import Detector
from edge.results import BgrImage, Box, Detection, Frame, GrayImage
from edge.sources import PORTRAIT

PORTRAIT_FACE = Box(95, 60, 110, 110)
"""The box of the face in the demo's 300x300 portrait."""


@dataclass(frozen=True)
class Scene:
    """A frame and the true boxes of its faces."""

    image: BgrImage
    boxes: tuple[Box, ...]

    def frame(self, index: int = 0, captured_monotonic_s: float = 0.0) -> Frame:
        """The scene as a source would deliver it."""
        return Frame(self.image, index, captured_monotonic_s, captured_monotonic_s, "scene")


class PlacedFaces:
    """A detector that takes the time of a real one, but finds exactly the faces that were placed.

    So the number of faces is known, and the time is still that of a real pipeline.
    """

    name = "placed"

    def __init__(self, detector: Detector, boxes: Sequence[Box], frame_width: int) -> None:
        self._detector = detector
        self._boxes = boxes
        self._frame_width = frame_width

    def detect(self, image: BgrImage) -> list[Detection]:
        """Return the placed faces in the pixels of `image`."""
        self._detector.detect(image)
        scale = image.shape[1] / self._frame_width
        return [Detection(Box(*(round(value * scale) for value in box))) for box in self._boxes]


def crowd(size: tuple[int, int], count: int) -> Scene:
    """`count` copies of the portrait's face on a grid in a frame of `size` (width, height)."""
    image = background(size, seed=count)
    columns = max(1, int(np.ceil(np.sqrt(count * size[0] / size[1]))))
    rows = max(1, int(np.ceil(count / columns)))
    side = min(size[0] // columns, size[1] // rows) * 3 // 4
    places = [((i % columns + 0.5) * size[0] / columns, (i // columns + 0.5) * size[1] / rows) for i in range(count)]
    face = portrait_face()
    boxes = tuple(Box(round(x - side / 2), round(y - side / 2), side, side) for x, y in places)
    for box in boxes:
        paste(image, face, box)
    return Scene(image, boxes)


def pasted(faces: Sequence[GrayImage], size: tuple[int, int], sides: Sequence[int], seed: int) -> Scene:
    """Paste each face with its side length at a free place, drawn by `seed`, on a background."""
    generator = np.random.default_rng(seed)
    image = background(size, seed)
    boxes: dict[int, Box] = {}
    for index in np.argsort(sides)[::-1]:  # the largest first, while there is room
        boxes[int(index)] = free_place(list(boxes.values()), size, (sides[index], sides[index]), generator)
    ordered = tuple(boxes[index] for index in range(len(faces)))
    for face, box in zip(faces, ordered, strict=True):
        paste(image, face, box)
    return Scene(image, ordered)


def portrait_face(margin: float = 0.0) -> BgrImage:
    """The demo's face: a square of the portrait; the two margins together are `margin` of the face's side."""
    x, y, width, height = PORTRAIT_FACE
    more = round(width * margin / 2)
    portrait = cv2.imread(str(PORTRAIT))
    return portrait[y - more : y + height + more, x - more : x + width + more]  # type: ignore[return-value]


def background(size: tuple[int, int], seed: int) -> BgrImage:
    """An image like a room without a face: uneven light, blurred furniture, grain."""
    generator = np.random.default_rng(seed)
    width, height = size
    coarse = generator.integers(60, 200, (height // 80 + 2, width // 80 + 2, 3), dtype=np.uint8)
    image = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    for _ in range(6):
        corner = generator.integers(0, (width, height))
        far = corner + generator.integers(20, max(40, width // 3), 2)
        color = generator.integers(30, 220, 3)
        cv2.rectangle(image, tuple(map(int, corner)), tuple(map(int, far)), tuple(map(int, color)), -1)
    grain = generator.integers(0, 12, image.shape, dtype=np.uint8)
    return cv2.add(cv2.GaussianBlur(image, (0, 0), 2), grain)  # type: ignore[return-value]


def paste(image: BgrImage, face: GrayImage | BgrImage, box: Box) -> None:
    """Paste the face into the box of the image; its outermost tenth fades into the background."""
    resized = cv2.resize(face, (box.width, box.height), interpolation=cv2.INTER_CUBIC)
    if resized.ndim == 2:
        resized = cv2.cvtColor(resized, cv2.COLOR_GRAY2BGR)
    place = image[box.y : box.y + box.height, box.x : box.x + box.width]
    weight = _fading(box.width, box.height)[: place.shape[0], : place.shape[1]]
    resized = resized[: place.shape[0], : place.shape[1]]
    place[:] = np.round(place * (1 - weight) + resized * weight)


def free_place(
    taken: Sequence[Box], size: tuple[int, int], wanted: tuple[int, int], generator: np.random.Generator
) -> Box:
    """Find a box of the `wanted` width and height in a frame of `size` that overlaps none of `taken`.

    Raises:
        ValueError: there is no room.
    """
    for _ in range(1_000):
        x, y = (int(generator.integers(0, extent - length + 1)) for extent, length in zip(size, wanted, strict=True))
        place = Box(x, y, *wanted)
        if not any(overlap(place, box) > 0 for box in taken):
            return place
    raise ValueError(f"Expected room for a face of {wanted} pixels in {size}. Received: {len(taken)} there already")


def _fading(width: int, height: int) -> NDArray[np.float32]:
    ramps = [np.minimum(np.arange(1, n + 1), np.arange(n, 0, -1)) / (0.1 * n) for n in (height, width)]
    weight = np.minimum(1, np.minimum.outer(*ramps)).astype(np.float32)
    return weight[:, :, np.newaxis]
