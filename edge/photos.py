"""Photos: one, or a folder of them. A damaged photo does not stop the others.

A photo is rotated as its metadata say, converted to eight bits per color, and refused only if damage is certain.
"""

import logging
import re
import struct
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.address import redact
from edge.capture import Source
from edge.errors import SourceError
from edge.media_type import (
    FOREIGN_SUFFIXES,
    FOREIGN_TYPES,
    FULL_BYTES,
    HEAD_BYTES,
    MOVING_TYPES,
    PHOTO_TYPES,
    full_type_of,
    type_at,
    type_of,
)
from edge.results import BgrImage

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
SHOWN_NAMES = 5
"""How many of the skipped files a warning names; the others are only counted."""
FLAT_ROWS = 8
"""Height in pixels of a JPEG's blocks: a missing end shows as rows of one color."""
NOT_WRITTEN = bytes(64)
"""The end of a file if copying it was interrupted."""
EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: (None, 1),
    3: (cv2.ROTATE_180, None),
    4: (None, 0),
    5: (cv2.ROTATE_90_CLOCKWISE, 1),
    6: (cv2.ROTATE_90_CLOCKWISE, None),
    7: (cv2.ROTATE_90_CLOCKWISE, 0),
    8: (cv2.ROTATE_90_COUNTERCLOCKWISE, None),
}
"""For each EXIF orientation, a rotation and the flip that follows it."""
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")

_log = logging.getLogger(__name__)


class ImageSource(Source):
    """One image, or the images of a folder in alphabetical order."""

    def __init__(self, path: Path) -> None:
        self._folder = path if path.is_dir() else None
        self._paths = _images_in(path) if self._folder else [path]
        if not self._paths:
            expected = f"images ({', '.join(sorted(IMAGE_SUFFIXES))}) in {redact(str(path))}"
            raise SourceError(f"Expected {expected}. Received: none")
        self.failed = 0
        self._given = 0
        self._next = 0
        if not self._folder:
            read_photo(path)

    def read(self) -> BgrImage | None:
        """Read the next readable image; a bad one among others is logged and counted."""
        while self._next < len(self._paths):
            self._next += 1
            try:
                image = read_photo(self._paths[self._next - 1])
            except SourceError as error:
                self._fail(error)
                continue
            self._given += 1
            self.file = redact(self._paths[self._next - 1].name) if self._folder else None
            return image
        if not self._given:
            raise SourceError(f"Expected an image that opens in {self._folder}. Received: none of {len(self._paths)}")
        return None

    def skip(self) -> None:
        """Skip the next image."""
        self._next = min(self._next + 1, len(self._paths))

    def _fail(self, error: SourceError) -> None:
        if self._folder is None or len(self._paths) == 1:
            raise error
        self.failed += 1
        _log.warning("%s; the others follow", error)


def read_photo(path: Path) -> BgrImage:
    """Read the photo at `path`.

    Raises:
        SourceError: there is no photo, or it is damaged or in a format that OpenCV does not read.
    """
    name = redact(str(path))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"Expected an image at {name}. Received: {error.strerror}") from error
    image = decode(data)
    if full_type_of(data[:FULL_BYTES]) in MOVING_TYPES and image is not None:
        _log.warning("%s is animated: only its first image is used; to analyze all, give its own name as source", name)
    if image is None:
        raise SourceError(f"Expected an image that OpenCV reads at {name}. Received: {_what_is_wrong(path, data)}")
    return image


def decode(content: bytes) -> BgrImage | None:
    """The image in a file's bytes, upright and with eight bits per color; None if it can't be read."""
    is_open = content.startswith(b"\xff\xd8") and jpeg_end(content) is None
    if is_open and content.endswith(NOT_WRITTEN):
        return None
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    is_webp = type_of(content[:16]) == "WebP"
    if is_webp:  # for other formats, OpenCV applies the orientation itself
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    image = _decode(content + b"\xff\xd9" if is_open else content, flags)
    if image is None or (is_open and not np.ptp(image[-FLAT_ROWS:], axis=(0, 1)).any()):
        return None
    return turned(to_eight_bits(image), _webp_orientation(content) if is_webp else 1)


def turned(image: BgrImage, orientation: int) -> BgrImage:
    """The image, rotated and flipped as EXIF's `orientation` (1 to 8) says."""
    turn, flip = _TURNS.get(orientation, (None, None))
    if turn is not None:
        image = cv2.rotate(image, turn)  # type: ignore[assignment]
    return image if flip is None else cv2.flip(image, flip)  # type: ignore[return-value]


def to_eight_bits(image: NDArray[np.generic]) -> BgrImage:
    """The image in eight bits: the highest of the bits that it uses, so that 12 bits stored in 16 do not look black."""
    if image.dtype == np.uint8:
        return image  # type: ignore[return-value]
    if image.dtype == np.uint16:
        most = int(image.max())
        used = next(bits for bits in (8, 10, 12, 14, 16) if most < 1 << bits)
        return (image >> (used - 8)).astype(np.uint8)  # type: ignore[operator,no-any-return]
    values = np.nan_to_num(image.astype(np.float32), posinf=0.0, neginf=0.0)
    white = max(float(np.percentile(values, 99.5)), 1e-6)
    return np.clip(values * (255 / white), 0, 255).astype(np.uint8)


def _decode(content: bytes, flags: int) -> NDArray[np.generic] | None:
    is_tiff = content[:2] in (b"II", b"MM")
    for choice in (flags, cv2.IMREAD_UNCHANGED) if is_tiff else (flags,):  # the second for TIFFs of floats
        try:
            image = cv2.imdecode(np.frombuffer(content, np.uint8), choice) if content else None
        except cv2.error:  # more than 2**30 pixels
            image = None
        if image is not None:
            return image[:, :, :3] if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return None


def jpeg_end(content: bytes) -> int | None:
    """Where the image of a JPEG ends; None if its end is missing. Other data, such as a film, may follow the image."""
    place = 2
    while (match := _JPEG_MARKER.search(content, place)) is not None:
        marker = content[match.start() + 1]
        if marker == 0xD9:
            return match.end()
        place = match.end()
        if marker not in (0x01, 0xD8):
            place += int.from_bytes(content[place : place + 2], "big")
    return None


def _webp_orientation(content: bytes) -> int:
    """The orientation that a WebP's EXIF block gives; 1 if it gives none."""
    place = 12
    while place + 8 <= len(content):
        name, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        if name == b"EXIF":
            return _tiff_orientation(content[place + 8 : place + 8 + size].removeprefix(b"Exif\0\0"))
        place += 8 + size + size % 2
    return 1


def _tiff_orientation(block: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    try:
        if order is None:
            return 1
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", block, place)
            if tag == EXIF_ORIENTATION:
                return int(struct.unpack_from(order + ("I" if kind == 4 else "H"), block, place + 8)[0])
    except struct.error:  # a damaged block says nothing
        pass
    return 1


def _what_is_wrong(path: Path, data: bytes) -> str:
    kind = type_of(data[:HEAD_BYTES])
    if not data:
        return "an empty file"
    if kind in FOREIGN_TYPES or path.suffix.lower() in FOREIGN_SUFFIXES:
        kind = kind if kind in FOREIGN_TYPES else path.suffix[1:].upper()
        return f"{kind}, which OpenCV does not read; convert it to JPEG (heif-convert, or magick IN OUT.jpg)"
    if kind == "GIF":
        return "a GIF: give it by its own name, as a film"
    if kind in PHOTO_TYPES:
        return f"a damaged {kind}"
    return f"a damaged or foreign file{f' ({kind})' if kind else ''}"


def _images_in(folder: Path) -> list[Path]:
    """The photos of a folder; other files there are logged."""
    photos: list[Path] = []
    others: list[Path] = []
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise SourceError(f"Expected to read {redact(str(folder))}. Received: {error.strerror}") from error
    for path in paths:
        (photos if _is_photo(path) else others).append(path)
    if photos and others:
        shown = ", ".join(redact(path.name) for path in others[:SHOWN_NAMES])
        more = f" and {len(others) - SHOWN_NAMES} more" if len(others) > SHOWN_NAMES else ""
        _log.warning("left out of %s, since they are no photos: %s%s", redact(str(folder)), shown, more)
    return photos


def _is_photo(path: Path) -> bool:
    """Whether a file has a photo's name or content; a folder or broken link with such a name fails when it is read."""
    if path.suffix.lower() in IMAGE_SUFFIXES | FOREIGN_SUFFIXES:
        return True
    try:
        return path.is_file() and type_at(path) in PHOTO_TYPES | MOVING_TYPES | FOREIGN_TYPES - {"PDF", "SVG"}
    except OSError:
        return False
