"""Photographs of single heads, and films made of them: a head at a known place and size in a frame of any size."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks import scenes
from benchmarks.scenes import PORTRAIT_FACE, Scene
from edge.errors import DataError
from edge.results import BgrImage, Box, Frame
from edge.sources import PORTRAIT

FPS = 15.0
HEAD_SIDES = 1.6
"""How much of a photograph a group photo shows around each face, in sides of the face's box."""
LAST = 5
"""A face counts as found if it is found in one of this many last frames of its film."""
TILE = 48
"""Size in pixels of the clouds in a textured scene."""


@dataclass(frozen=True)
class Head:
    """A photograph and its face."""

    image: BgrImage
    box: tuple[float, float, float, float]
    """The face's box: x, y, width, height in pixels."""

    def scaled(self, face_height: float) -> "Head":
        """The photograph scaled to a face of this height in pixels."""
        scale = face_height / self.box[3]
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image: BgrImage = cv2.resize(self.image, None, fx=scale, fy=scale, interpolation=how)  # type: ignore[assignment]
        x, y, width, height = self.box
        return Head(image, (x * scale, y * scale, width * scale, height * scale))

    def close(self, sides: float) -> "Head":
        """The photograph cropped around the face to this many sides of its box."""
        x, y, width, height = self.box
        left, top = (max(0, round(start - (sides - 1) / 2 * length)) for start, length in ((x, width), (y, height)))
        right, bottom = round(x + (sides + 1) / 2 * width), round(y + (sides + 1) / 2 * height)
        return Head(self.image[top:bottom, left:right], (x - left, y - top, width, height))


def load_heads(folder: Path | None) -> list[Head]:
    """Load the photographs listed in `heads.json` with their boxes; without a folder, the demo's portrait.

    Raises:
        DataError: the folder is not as expected.
    """
    if folder is None:
        return [Head(cv2.imread(str(PORTRAIT)), tuple(map(float, PORTRAIT_FACE)))]  # type: ignore[arg-type]
    try:
        rows = json.loads((folder / "heads.json").read_text())
        return [Head(_read(folder / row["file"]), tuple(map(float, row["box"]))) for row in rows]  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"Expected photographs and heads.json with file and box of each in {folder}. Received: {error}"
        ) from error


def some_heads(folder: Path | None, count: int) -> list[Head]:
    """The first photographs of a folder; if there are too few, they are repeated."""
    heads = load_heads(folder)
    return [heads[index % len(heads)] for index in range(count)]


def scene_of(head: Head, face_height: int, size: tuple[int, int], seed: int) -> Scene:
    """Place the head in a frame of `size` (width, height); even seeds have a plain background, odd ones a pattern."""
    generator = np.random.default_rng(seed)
    image = textured(size, seed) if seed % 2 else np.full((size[1], size[0], 3), generator.integers(60, 200), np.uint8)
    box = _paste(image, head.scaled(face_height), generator)
    return Scene(image, (box,))


def group_of(heads: Sequence[Head], sides: tuple[int, int], size: tuple[int, int], seed: int) -> Scene:
    """Make a group photo: the heads in rows, with face heights in pixels in the range `sides`.

    Raises:
        ValueError: the heads do not fit.
    """
    generator = np.random.default_rng(seed)
    image = textured(size, seed)
    taken: list[Box] = []
    boxes = []
    heights = sorted(generator.integers(sides[0], sides[1] + 1, len(heads)), reverse=True)
    for head, height in zip(heads, heights, strict=True):
        photo = head.close(HEAD_SIDES).scaled(int(height))
        frame = scenes.free_place(taken, size, (photo.image.shape[1], photo.image.shape[0]), generator)
        taken.append(frame)
        boxes.append(_put(image, photo, frame.x, frame.y))
    return Scene(image, tuple(boxes))


def film(scene: Scene, count: int, seed: int = 0) -> Iterator[Frame]:
    """Yield the scene as `count` frames at 15 frames per second, with a camera's grain."""
    grain = np.random.default_rng(seed).integers(0, 9, scene.image.shape, dtype=np.uint8)
    for index in range(count):
        shifted = np.roll(grain, 7919 * index)  # a quick way to other grain on each frame
        yield Frame(cv2.add(scene.image, shifted), index, index / FPS, index / FPS, "film")  # type: ignore[arg-type]


def textured(size: tuple[int, int], seed: int) -> BgrImage:
    """Clouds of color, which detectors easily mistake for faces."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(40, 210, (size[1] // TILE + 2, size[0] // TILE + 2, 3), dtype=np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def _paste(image: BgrImage, photo: Head, generator: np.random.Generator) -> Box:
    """Paste the photograph anywhere in the image; if the image is smaller, with the face in its middle."""
    height, width = photo.image.shape[:2]
    room = image.shape[1] - width, image.shape[0] - height
    middle = photo.box[0] + photo.box[2] / 2, photo.box[1] + photo.box[3] / 2
    centered = image.shape[1] / 2 - middle[0], image.shape[0] / 2 - middle[1]
    x, y = (
        int(generator.integers(0, free + 1)) if free >= 0 else round(min(0, max(free, start)))
        for free, start in zip(room, centered, strict=True)
    )
    return _put(image, photo, x, y)


def _put(image: BgrImage, photo: Head, x: int, y: int) -> Box:
    """Copy the part that is inside the image; return the face's box."""
    left, top = max(0, x), max(0, y)
    right, bottom = min(image.shape[1], x + photo.image.shape[1]), min(image.shape[0], y + photo.image.shape[0])
    image[top:bottom, left:right] = photo.image[top - y : bottom - y, left - x : right - x]
    return Box(round(x + photo.box[0]), round(y + photo.box[1]), round(photo.box[2]), round(photo.box[3]))


def _read(path: Path) -> BgrImage:
    image = cv2.imread(str(path))
    if image is None:
        raise DataError(f"Expected a photograph at {path}. Received: nothing readable")
    return image  # type: ignore[return-value]
