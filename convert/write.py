"""Writes several files to the disk, either all or none."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from edge.errors import ModelError
from edge.files import replacing


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write every file, or none if one of them can't be written; existing ones are replaced at the end.

    Raises:
        ModelError: the folder can't be written to, or the disk is full.
    """
    try:
        with contextlib.ExitStack() as stack:
            for path, content in contents.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                _write_through(stack.enter_context(replacing(path)), content)
    except OSError as error:
        raise ModelError(f"Expected to write {path}. Received: {error}") from error


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
