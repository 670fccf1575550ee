"""What a film's container says about its own length: this proves that a file is cut off."""

from collections.abc import Iterator
from pathlib import Path

from edge.media_type import HEAD_BYTES, type_of


def bytes_missing(path: Path) -> int:
    """How many bytes a film announces but lacks; 0 if it is whole, or if its format announces no length."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    kind = type_of(head)
    announced = 0
    if kind == "MP4":
        announced = max((end for _, end in _boxes(path)), default=0)
    elif kind == "AVI":
        announced = 8 + int.from_bytes(head[4:8], "little")
    elif kind == "Matroska":
        announced = _segment_end(head)
    return max(0, announced - size)


def has_index(path: Path) -> bool:
    """Whether an MP4 has its index (`moov`): without it nothing in the file can be found."""
    return any(name == b"moov" for name, _ in _boxes(path))


def _boxes(path: Path) -> Iterator[tuple[bytes, int]]:
    """The name and the end of each part of an MP4."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place + 8 <= size:
            file.seek(place)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0:  # to the end of the file
                length = size - place
            if length < 8:
                return
            place += length
            yield head[4:8], place


def _segment_end(head: bytes) -> int:
    """Where the segment of a Matroska file ends; 0 if it does not say so."""
    place = 4
    length, width = _size(head, place)
    place += width + length  # behind the header
    if head[place : place + 4] != b"\x18\x53\x80\x67":
        return 0
    length, width = _size(head, place + 4)
    is_unknown = length == (1 << 7 * width) - 1
    return 0 if is_unknown or not width else place + 4 + width + length


def _size(data: bytes, place: int) -> tuple[int, int]:
    """A length as Matroska writes it, and how many bytes it takes; (0, 0) where there is none."""
    first = data[place] if place < len(data) else 0
    width = 9 - first.bit_length()
    if width > 8:
        return 0, 0
    return int.from_bytes(data[place : place + width], "big") & ((1 << 7 * width) - 1), width
