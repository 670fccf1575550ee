"""Questions to the file system that have an answer in every case, and files that are whole or not there at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether a regular file is known to lie there: not behind a closed folder, nor under a name that can't be."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_dir(path: Path) -> bool:
    """Whether a folder is known to lie there."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; it becomes `path` at the end, or vanishes after an error.

    A device or a pipe is written to as it is: it must not become a file.

    Usage:
        with replacing(Path("model.tflite")) as part:
            part.write_bytes(content)
    """
    if path.exists() and not path.is_file():
        yield path
        return
    part = path.with_name(f".part.{path.name}")  # the suffix stays: Keras and OpenCV choose their format by it
    try:
        yield part
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
