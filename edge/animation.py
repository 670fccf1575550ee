"""Animated WebP, which FFmpeg does not read: each image is cut out and decoded as a WebP file of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.address import redact
from edge.capture import Source
from edge.errors import SourceError
from edge.results import BgrImage

SHORTEST_MS, USUAL_MS = 11, 100
"""Browsers replace a shorter duration of an image by the usual one."""
_BLEND_OFF, _DISPOSE = 0x02, 0x01


class _Piece(NamedTuple):
    """One image of an animation: a part of the canvas, for a time."""

    x: int
    y: int
    duration_ms: int
    flags: int
    file: bytes
    """The part as a WebP file."""


class AnimatedWebpSource(Source):
    """The images of an animated WebP, played once, at their own times."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        self._name = redact(str(path))
        width, height = (int.from_bytes(data[place : place + 3], "little") + 1 for place in (24, 27))
        self._canvas = np.zeros((height, width, 3), np.uint8)
        self._pieces = _pieces(data)
        self._next_s = 0.0
        first = next(_pieces(data), None)
        self.fps = 1000 / (first.duration_ms if first else USUAL_MS)

    def read(self) -> BgrImage | None:
        """The next image, as it is shown."""
        piece = next(self._pieces, None)
        if piece is None:
            if self.position_s is None:
                raise SourceError(f"Expected images in the animated WebP {self._name}. Received: none")
            return None
        part = cv2.imdecode(np.frombuffer(piece.file, np.uint8), cv2.IMREAD_UNCHANGED)
        if part is None:
            raise SourceError(f"Expected whole images in {self._name}. Received: a damaged one")
        self.position_s = self._next_s
        self._next_s += piece.duration_ms / 1000
        return self._shown(piece, part)  # type: ignore[arg-type]

    def _shown(self, piece: _Piece, part: NDArray[np.uint8]) -> BgrImage:
        height, width = part.shape[:2]
        place = self._canvas[piece.y : piece.y + height, piece.x : piece.x + width]
        part = part[: place.shape[0], : place.shape[1]]
        has_alpha = part.shape[2] == 4 and not piece.flags & _BLEND_OFF
        weight = part[:, :, 3:].astype(np.float32) / 255 if has_alpha else np.float32(1)
        place[:] = (part[:, :, :3] * weight + place * (1 - weight)).astype(np.uint8)
        image = self._canvas.copy()
        if piece.flags & _DISPOSE:
            place[:] = 0
        return image


def _pieces(data: bytes) -> Iterator[_Piece]:
    for name, content in _chunks(data, 12):
        if name == b"ANMF":
            x, y, width, height, duration = (int.from_bytes(content[i : i + 3], "little") for i in range(0, 15, 3))
            duration = duration if duration >= SHORTEST_MS else USUAL_MS
            yield _Piece(2 * x, 2 * y, duration, content[15], _file(content[16:], width, height))


def _file(chunks: bytes, width: int, height: int) -> bytes:
    """A WebP file of one image; an alpha channel needs the long form."""
    if chunks.startswith(b"ALPH"):
        sides = b"\x10\0\0\0" + width.to_bytes(3, "little") + height.to_bytes(3, "little")
        chunks = b"VP8X" + len(sides).to_bytes(4, "little") + sides + chunks
    return b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks


def _chunks(data: bytes, place: int) -> Iterator[tuple[bytes, bytes]]:
    while place + 8 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        yield data[place : place + 4], data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
