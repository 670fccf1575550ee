"""Tests for files that never raise, and files that are written whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether `path` is a regular file; False if its folder can't be read or the name is impossible."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_dir(path: Path) -> bool:
    """Whether `path` is a folder; False if that can't be found out."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to; the file becomes `path` at the end, or vanishes after an error.

    A device or a pipe is written to directly: it must not be replaced by a file.

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
