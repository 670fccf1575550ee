"""Lines at the end of a file, for as long as the service lives.

Others may rename the file, cut it or delete it (logrotate does), its disk may be full for a moment, and it may be a
pipe whose reader comes and goes. Nothing here blocks for longer than `PATIENCE_S`.
"""

import contextlib
import os
import select
import stat
from pathlib import Path

PATIENCE_S = 1.0
"""How long a write waits for the reader of a full pipe."""
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class LineFile:
    """The file of this name, made with the first line. What an earlier run wrote stays.

    Usage:
        lines = LineFile(Path("results.jsonl"))
        lines.write('{"a": 1}\n')

    A write that fails raises OSError; the next one opens the file anew if that is needed, and completes a line
    of which only a part was written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._rest = b""
        """What is missing of the last line in the file."""

    def write(self, lines: str, head: str = "") -> None:
        """Add whole lines; `head` goes before them where the file is empty."""
        descriptor = self._followed()
        if _size(descriptor) == 0:
            self._rest, lines = b"", head + lines
        try:
            self._add(descriptor, lines.encode("utf-8", "backslashreplace"))
        except BrokenPipeError:  # the next reader begins with a whole line
            self.reopen()
            raise

    def reopen(self) -> None:
        """Close the file; the next line opens what has this name then."""
        descriptor, self._descriptor, self._rest = self._descriptor, None, b""
        if descriptor is not None:
            os.close(descriptor)

    def _add(self, descriptor: int, lines: bytes) -> None:
        data, written = self._rest + lines, 0
        try:
            while written < len(data):
                written += _write(descriptor, data[written:])
        finally:
            if written:
                self._rest = _rest_of_line(data, written)

    def _followed(self) -> int:
        """The open file that has this name now."""
        if self._descriptor is not None and not self._has_name(self._descriptor):
            self.reopen()
        if self._descriptor is None:
            self._descriptor = os.open(self._path, _FLAGS, 0o666)
            self._rest = b"" if self._ends_whole(self._descriptor) else b"\n"
        return self._descriptor

    def _has_name(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(descriptor))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # a folder that was closed meanwhile: what is open still works
            return True

    def _ends_whole(self, descriptor: int) -> bool:
        """Whether the file has no half line at its end, as after a power cut."""
        with contextlib.suppress(OSError):  # a file that may be written and not be read
            if _size(descriptor):
                with self._path.open("rb") as written:
                    written.seek(-1, os.SEEK_END)
                    return written.read() == b"\n"
        return True


def _size(descriptor: int) -> int | None:
    """The bytes of a regular file; None of pipes and devices."""
    about = os.fstat(descriptor)
    return about.st_size if stat.S_ISREG(about.st_mode) else None


def _write(descriptor: int, data: bytes) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        if not select.select([], [descriptor], [], PATIENCE_S)[1]:
            raise
        return 0


def _rest_of_line(data: bytes, written: int) -> bytes:
    """What is missing of the line in which the first `written` bytes end."""
    if data[written - 1 : written] == b"\n":
        return b""
    return data[written : data.find(b"\n", written) + 1]
