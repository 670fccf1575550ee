"""Files on disk, all of them or none: written aside, then renamed."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from edge.errors import ModelError


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write every file or, if one can't be written, none; existing ones are replaced at the end.

    Raises:
        ModelError: the folder can't be written to, or the disk is full.
    """
    asides = {path: path.with_name(f".{path.name}.part") for path in contents}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_through(asides[path], content)
        for path, aside in asides.items():
            os.replace(aside, path)
    except OSError as error:
        raise ModelError(f"Expected room for {len(contents)} files in {path.parent}. Received: {error}") from error
    finally:
        for aside in asides.values():
            with contextlib.suppress(OSError):  # an aside that is not there, or whose folder is no folder
                aside.unlink()


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
