"""Reads a VP8 or VP9 film's encoded images to notice a change of size; the rest then becomes a film of its own.

Browsers change the size of a recording as the network gets faster or slower, and OpenCV's FFmpeg does not follow (see
`edge/size_change.py`). Every key frame holds its size.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2

CODECS = ("VP80", "VP90")
CLOCK = 1000
"""Time base of the files that are written: ticks per second."""
SOON_S = 0.0005


class _Packet(NamedTuple):
    position_s: float
    data: bytes


class PacketWatch:
    """Reads a film's packets up to the decoder's position, and notices a change of size.

    Usage:
        packets = PacketWatch(capture, "VP80")       # a second capture of the same film, with CAP_PROP_FORMAT -1
        if packets.changes_by(position_s):
            packets.write_rest(Path("rest.ivf"))
    """

    def __init__(self, capture: cv2.VideoCapture, codec: str) -> None:
        self._capture, self._codec = capture, codec
        self._size: tuple[int, int] | None = None
        self._changed: _Packet | None = None
        self._next = self._read()

    def changes_by(self, position_s: float) -> bool:
        """Whether the size has changed by `position_s`, the capture's position."""
        while self._next and not self._changed and self._next.position_s <= position_s + SOON_S:
            size = size_in(self._next.data, self._codec)
            if size and self._size and size != self._size:
                self._changed = self._next
                return True
            self._size = size or self._size
            self._next = self._read()
        return self._changed is not None

    def write_rest(self, path: Path) -> None:
        """Write what follows the change as an IVF file: a header, then each packet with its time."""
        assert self._changed is not None
        width, height = size_in(self._changed.data, self._codec) or (0, 0)
        with path.open("wb") as file:
            head = (b"DKIF", 0, 32, self._codec.encode(), width, height, CLOCK, 1, 0, 0)
            file.write(struct.pack("<4sHH4sHHIIII", *head))
            for packet in (self._changed, *self._rest()):
                file.write(struct.pack("<IQ", len(packet.data), round(packet.position_s * CLOCK)) + packet.data)

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()

    def _rest(self) -> Iterator[_Packet]:
        while (packet := self._read()) is not None:
            yield packet

    def _read(self) -> _Packet | None:
        ok, data = self._capture.read()
        return _Packet(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, data.tobytes()) if ok else None


def size_in(data: bytes, codec: str) -> tuple[int, int] | None:
    """Width and height in a packet; None if it is not a key frame (RFC 6386, 9.1; VP9 bitstream, 6.2 and 7.2)."""
    if codec == "VP80":
        is_key = len(data) >= 10 and not data[0] & 1 and data[3:6] == b"\x9d\x01\x2a"
        return (_little(data[6:8]) & 0x3FFF, _little(data[8:10]) & 0x3FFF) if is_key else None
    bits = _Bits(data[:20])
    if len(data) < 20 or bits.take(2) != 2:
        return None
    profile = bits.take(1) + 2 * bits.take(1)
    if profile == 3:
        bits.take(1)
    if bits.take(1) or bits.take(1):  # an old image is shown again, or this is not a key frame
        return None
    bits.take(2)
    if bits.take(24) != 0x498342:
        return None
    bits.take(1 if profile >= 2 else 0)
    if bits.take(3) != 7:  # any color space but RGB
        bits.take(4 if profile in (1, 3) else 1)
    elif profile in (1, 3):
        bits.take(1)
    width = bits.take(16) + 1
    return width, bits.take(16) + 1


class _Bits:
    """Reads numbers of a few bits each, highest bit first."""

    def __init__(self, data: bytes) -> None:
        self._number, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        return self._number >> self._left & ((1 << count) - 1)


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
