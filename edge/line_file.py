"""Appends lines to a file or a stream for as long as a service lives.

Others may rename, truncate or delete the file (logrotate does), its disk may be full for a moment, and it may be a
pipe with a reader that comes and goes. Nothing here blocks longer than `PATIENCE_S`.
"""

import contextlib
import errno
import math
import os
import select
import stat
import threading
import time
from pathlib import Path
from typing import TextIO

from edge.errors import SinkError

PATIENCE_S = 1.0
"""How long a write waits for the reader of a full pipe."""
_LOOK_MS = 100
_AT_ONCE = 4096
"""A pipe that is ready takes this many bytes without blocking (PIPE_BUF)."""
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class _Tail:
    """Writes to a descriptor, and remembers the rest of a line that was only partly written."""

    def __init__(self, missing: bytes = b"") -> None:
        self._missing = missing

    def add(self, descriptor: int, lines: str, patience_s: float, stop: threading.Event | None = None) -> None:
        """Write the rest of an unfinished line, then the lines; an error may leave one unfinished again."""
        data, written = self._missing + lines.encode("utf-8", "backslashreplace"), 0
        end_s = time.monotonic() + patience_s
        try:
            while written < len(data):
                if _is_ready(descriptor, end_s, stop):
                    written += os.write(descriptor, data[written : written + _AT_ONCE])
        finally:
            if written:
                self._missing = _rest_of_line(data, written)


class StreamLines:
    """Writes lines to a stream that somebody else owns, such as standard output.

    A reader that pauses holds up photos and films until it goes on or `stop` is set, but live images only for a moment.
    """

    def __init__(self, stream: TextIO, stop: threading.Event | None = None) -> None:
        self._stream, self._stop, self._tail = stream, stop, _Tail()

    def write(self, lines: str, can_wait: bool = True) -> None:
        """Write whole lines; OSError if they can't be written, BrokenPipeError if nobody reads them any more."""
        self._stream.flush()
        if (descriptor := _descriptor_of(self._stream)) is None:
            self._stream.write(lines)
            self._stream.flush()
            return
        try:
            self._tail.add(descriptor, lines, math.inf if can_wait else PATIENCE_S, self._stop)
        except OSError as error:
            if error.errno == errno.EIO and stat.S_ISCHR(os.fstat(descriptor).st_mode):  # a terminal that was closed
                raise BrokenPipeError(errno.EPIPE, "the terminal was closed") from error
            raise


class LineFile:
    """Appends lines to the file of this name, which is made with the first line. What an earlier run wrote stays.

    Usage:
        lines = LineFile(Path("results.jsonl"))
        lines.write('{"a": 1}\n')

    A write that fails raises OSError. The next one reopens the file if needed, and completes a line that was only
    partly written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._tail = _Tail()

    def write(self, lines: str, head: str = "") -> None:
        """Append whole lines; in an empty file `head` goes before them."""
        descriptor = self._followed()
        if _size(descriptor) == 0:
            self._tail, lines = _Tail(), head + lines
        try:
            self._tail.add(descriptor, lines, PATIENCE_S)
        except BrokenPipeError as error:  # the next reader begins with a whole line
            self.reopen()
            raise SinkError(f"Expected a reader of the pipe {self._path}. Received: it has left") from error

    def is_empty(self) -> bool:
        """Whether the next line is the first of its file."""
        return _size(self._followed()) == 0

    def reopen(self) -> None:
        """Close the file; the next line opens the file that then has this name."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _followed(self) -> int:
        """The descriptor of the file that has this name now, reopened if it was moved."""
        if self._descriptor is not None and not self._has_name(self._descriptor):
            self.reopen()
        if self._descriptor is None:
            self._descriptor = os.open(self._path, _FLAGS, 0o666)
            self._tail = _Tail(b"" if self._ends_whole(self._descriptor) else b"\n")
        return self._descriptor

    def _has_name(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(descriptor))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # a folder that was closed meanwhile: what is open still works
            return True

    def _ends_whole(self, descriptor: int) -> bool:
        """Whether the file ends in a whole line; after a power cut it may not."""
        with contextlib.suppress(OSError):  # a file that may be written and not be read
            if _size(descriptor):
                with self._path.open("rb") as written:
                    written.seek(-1, os.SEEK_END)
                    return written.read() == b"\n"
        return True


def _size(descriptor: int) -> int | None:
    """The size of a regular file in bytes; None for pipes and devices."""
    about = os.fstat(descriptor)
    return about.st_size if stat.S_ISREG(about.st_mode) else None


def _rest_of_line(data: bytes, written: int) -> bytes:
    """The rest of the line in which the first `written` bytes end."""
    if data[written - 1 : written] == b"\n":
        return b""
    return data[written : data.find(b"\n", written) + 1]


def _is_ready(descriptor: int, end_s: float, stop: threading.Event | None) -> bool:
    """Whether some bytes can be written without blocking; BlockingIOError if not after `end_s`, or if `stop` is set."""
    if os.name != "posix":
        return True
    room = select.poll()
    room.register(descriptor, select.POLLOUT)
    if room.poll(_LOOK_MS):
        return True
    if time.monotonic() >= end_s or (stop and stop.is_set()):
        raise BlockingIOError(errno.EAGAIN, "its reader does not read")
    return False


def _descriptor_of(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):  # one that is no file: a test's, a notebook's
        return None
