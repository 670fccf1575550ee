"""Checks that a `.tflite` file is whole: if its end is missing, the runtime kills the process without a message.

The file is a FlatBuffer (https://flatbuffers.dev/internals): its root table has a vector of buffers with the weights.
"""

import os
import struct
from pathlib import Path

from edge.errors import ModelError

MAGIC = b"TFL3"
BUFFERS = 4
"""Number of the field `buffers` in the schema's table Model."""


def check_whole(path: str | os.PathLike[str]) -> None:
    """Check that every buffer's last byte is in the file.

    Raises:
        ModelError: the file can't be read, is not a TFLite file, or is cut off.
    """
    try:
        content = Path(path).read_bytes()
        if content[4:8] != MAGIC:
            raise ModelError(f"Expected a TFLite model at {path}. Received: another kind of file")
        end = max(_buffer_ends(content), default=0)
    except (OSError, struct.error) as error:
        raise ModelError(f"Expected a whole TFLite model at {path}. Received: {error}") from error
    if end > len(content):
        raise ModelError(f"Expected a whole TFLite model at {path}. Received: {len(content)} of {end} bytes or more")


def _buffer_ends(content: bytes) -> list[int]:
    """The offset at which the data of each buffer end."""
    buffers = _follow(content, _field(content, _follow(content, 0), BUFFERS))
    (count,) = struct.unpack_from("<I", content, buffers)
    if buffers + 4 * count > len(content):
        return [buffers + 4 * count]
    places = (_field(content, _follow(content, buffers + 4 + 4 * index), 0) for index in range(count))
    vectors = [_follow(content, place) for place in places if place]
    return [vector + 4 + int(struct.unpack_from("<I", content, vector)[0]) for vector in vectors]


def _follow(content: bytes, place: int) -> int:
    """The position that the offset at `place` points to."""
    return place + int(struct.unpack_from("<I", content, place)[0])


def _field(content: bytes, table: int, number: int) -> int:
    """The position of a table's field; 0 if the table does not have it."""
    vtable = table - int(struct.unpack_from("<i", content, table)[0])
    if vtable < 0:
        raise struct.error("an offset that points outside the file")
    (size,) = struct.unpack_from("<H", content, vtable)
    if 4 + 2 * number >= size:
        return 0
    (offset,) = struct.unpack_from("<H", content, vtable + 4 + 2 * number)
    return table + int(offset) if offset else 0
