"""Draws boxes and labels on an image: labels avoid faces and each other, and may use any alphabet."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edge.boxes import area, shared_area
from edge.emotions import bgr
from edge.results import UNCERTAIN, BgrImage, Box, Face, FrameResult

PADDING = 4
DOUBTED = 0.75
"""Below this detector's score, the label says that this may not be a person."""
INK_DARK, INK_LIGHT = (20, 20, 20), (255, 255, 255)


def draw(image: BgrImage, result: FrameResult, names: Mapping[int, str]) -> BgrImage:
    """A copy of `image` with a box and a label for each face."""
    drawn = image.copy()
    line = max(2, round(min(drawn.shape[:2]) / 240))
    for face in result.faces:
        _outline(drawn, face, line)
    taken = [face.box for face in result.faces]
    for face in sorted(result.faces, key=lambda face: area(face.box), reverse=True):
        place, text = place_label(face, names, taken, drawn.shape)
        _write(drawn, place, text, bgr(face.emotion))
        taken.append(place)
    return drawn


def place_label(face: Face, names: Mapping[int, str], taken: Sequence[Box], shape: tuple[int, ...]) -> tuple[Box, str]:
    """A label's place and its words: fewer words if room is short; if there is none, the place that covers least."""
    name = names.get(face.track_id, f"Person {face.track_id}")
    told = f"{face.emotion}?" if face.face_score < DOUBTED else face.emotion
    size = max(13, round(min(shape[:2]) / 32))
    places = [
        (place, text)
        for text in (f"{name}: {told}", name, str(face.track_id))
        for place in _places(face.box, _text_size(text, size), shape)
    ]
    return min(places, key=lambda item: sum(shared_area(item[0], box) for box in taken))  # the first of the best


def _places(box: Box, size: tuple[int, int], shape: tuple[int, ...]) -> Iterator[Box]:
    """Possible places: above, below, right, left, above but right-aligned; all moved into the image."""
    width, height = size
    right, bottom = box.x + box.width, box.y + box.height
    corners = (
        (box.x, box.y - height),
        (box.x, bottom),
        (right, box.y),
        (box.x - width, box.y),
        (right - width, box.y - height),
        (right - width, bottom),
    )
    for x, y in corners:
        yield Box(max(0, min(x, shape[1] - width)), max(0, min(y, shape[0] - height)), width, height)


def _outline(drawn: BgrImage, face: Face, line: int) -> None:
    x, y, width, height = face.box
    color, corner = bgr(face.emotion), (x + width, y + height)
    cv2.rectangle(drawn, (x, y), corner, color, max(1, line - 1) if face.emotion == UNCERTAIN else line, cv2.LINE_AA)


def _write(drawn: BgrImage, place: Box, text: str, color: tuple[int, int, int]) -> None:
    area_ = drawn[place.y : place.y + place.height, place.x : place.x + place.width]
    if not area_.size:
        return
    blue, green, red = color
    ink = INK_DARK if 0.114 * blue + 0.587 * green + 0.299 * red > 110 else INK_LIGHT
    mask = _letters(text, place.height)[: area_.shape[0], : area_.shape[1], np.newaxis]
    area_[:] = (mask * ink + (1 - mask) * color).astype(np.uint8)


def _text_size(text: str, size: int) -> tuple[int, int]:
    height = size + 2 * PADDING
    return _letters(text, height).shape[1], height


@lru_cache(maxsize=256)
def _letters(text: str, height: int) -> NDArray[np.float32]:
    """The text as an image of ink in [0, 1], with a margin."""
    font = ImageFont.load_default(height - 2 * PADDING)
    width = round(font.getlength(text)) + 2 * PADDING
    letters = Image.new("L", (width, height))
    ImageDraw.Draw(letters).text((PADDING, height / 2), text, fill=255, font=font, anchor="lm")
    return np.asarray(letters, np.float32) / 255
