"""Renders a frame as a JPEG: with boxes and labels, and with faces hidden if asked."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2

from app.labels import draw
from edge import photos
from edge.annotate import hide_faces
from edge.errors import SourceError
from edge.results import BgrImage, Box, FrameResult
from edge.views import mirror_box

SHOWN_WIDTH = 960
"""Wider frames are shrunk to this width: more pixels take time to encode, and show nothing more."""
JPEG_QUALITY = 80


@dataclass(frozen=True)
class RenderOptions:
    """Options of how images are shown; they don't change scores."""

    blur: bool = False
    mirror: bool = False
    names: tuple[tuple[int, str], ...] = ()
    """The names that the user gave to people, by identity."""


def render(image: BgrImage, result: FrameResult, rendering: RenderOptions) -> BgrImage:
    """The image to show; `image` itself is not changed."""
    if rendering.blur:
        image = hide_faces(image, result)
    if rendering.mirror:
        image, result = image[:, ::-1], _with_boxes(result, lambda box: mirror_box(box, image.shape[1]))
    return draw(image, result, dict(rendering.names))


def face_of(image: BgrImage, box: Box, side: int = 96) -> BgrImage:
    """A small square with the face in `box`."""
    longer = max(box.width, box.height)
    x, y = box.x + (box.width - longer) // 2, box.y + (box.height - longer) // 2
    cut = image[max(0, y) : max(1, y + longer), max(0, x) : max(1, x + longer)]
    small: BgrImage = cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return small


def shown(image: BgrImage, result: FrameResult, rendering: RenderOptions) -> bytes:
    """The image to show as a JPEG of at most `SHOWN_WIDTH` pixels' width."""
    return encode(render(*fitted(image, result), rendering))


def fitted(image: BgrImage, result: FrameResult) -> tuple[BgrImage, FrameResult]:
    """Image and result, scaled down to `SHOWN_WIDTH` if the image is wider."""
    scale = SHOWN_WIDTH / image.shape[1]
    if scale >= 1:
        return image, result
    size = (SHOWN_WIDTH, max(1, round(image.shape[0] * scale)))
    small: BgrImage = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return small, _with_boxes(result, lambda box: Box(*(round(side * scale) for side in box)))


def encode(image: BgrImage, suffix: str = ".jpg") -> bytes:
    """The image as a JPEG (or another format that OpenCV writes)."""
    return cv2.imencode(suffix, image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def decode(data: bytes, name: str) -> BgrImage:
    """Decode the image in an uploaded file.

    Raises:
        SourceError: it is not an image that OpenCV reads.
    """
    image = photos.decode(data)
    if image is None:
        raise SourceError(f"Expected an image (JPEG, PNG, WebP, BMP). Received: {name}, which does not open as one")
    return image


def _with_boxes(result: FrameResult, change: Callable[[Box], Box]) -> FrameResult:
    faces = tuple(replace(face, box=change(face.box)) for face in result.faces)
    return replace(result, faces=faces, doubtful=tuple(map(change, result.doubtful)))
