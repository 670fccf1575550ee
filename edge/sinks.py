"""Where results go: each sink is a small class with `write` and `close`.

A sink may also have `tell(status)` (a camera's state has changed), `turn()` (called while no frame comes) and
`reopen()` (SIGHUP to a service). These methods are optional.
"""

import contextlib
import errno
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

import cv2
import numpy as np

from edge.annotate import draw, draw_words
from edge.errors import SinkError
from edge.line_file import LineFile, StreamLines
from edge.results import BgrImage, CameraState, CameraStatus, Frame, FrameResult
from edge.schema import frozen_to_json, status_to_json, to_json

ANSWER_S = 0.005
"""How often windows check for keys: about once per frame of a usual camera."""

_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Takes every result with its frame, in the main loop's thread: it must not block for long."""

    def write(self, frame: Frame, result: FrameResult) -> object:
        """Take one result; return False if there was nothing to write, raise SinkError if writing fails."""

    def close(self) -> None:
        """Finish the output."""
        return


class JsonLinesSink:
    """Writes one JSON object per line (see `edge/schema.py`), flushed, to a stream or to the end of a file.

    The file is made with the first line.
    """

    def __init__(
        self,
        target: TextIO | Path,
        stop: threading.Event | None = None,
        device: str = "",
        identity: Mapping[str, str] | None = None,
    ) -> None:
        self._device = device
        self._identity = dict(identity or {})
        """Fields that only the first line of a run, and of a file, holds."""
        self._has_begun = False
        self._name = target if isinstance(target, Path) else getattr(target, "name", "a stream")
        self._file = LineFile(checked_place(target)) if isinstance(target, Path) else None
        self._stream = None if isinstance(target, Path) else StreamLines(target, stop)
        self._faulty: set[str] = set()
        """The cameras that a line has reported as failed."""
        self._last: dict[str, FrameResult] = {}

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Write one line."""
        self._last[result.source] = result
        self._add(to_json(result, self._device), can_wait=not frame.is_live)

    def tell(self, status: CameraStatus) -> bool:
        """Write a line about a camera that fails or recovers; a camera that works from the start is not reported."""
        if not (status.state.is_fault or (status.name in self._faulty and status.state is CameraState.ONLINE)):
            return False
        last = self._last.get(status.name) if status.state is CameraState.FROZEN else None
        device = self._device
        self._add(frozen_to_json(status, last, device) if last else status_to_json(status, device))
        (self._faulty.add if status.state.is_fault else self._faulty.discard)(status.name)
        return True

    def reopen(self) -> None:
        """Reopen the file with the next line."""
        if self._file:
            self._file.reopen()

    def close(self) -> None:
        """Close the file; a stream stays open, since it belongs to somebody else."""
        self.reopen()

    def _add(self, values: dict[str, Any], can_wait: bool = False) -> None:
        with writing(f"a JSON line to {self._name}"):
            if not self._has_begun or (self._file and self._file.is_empty()):
                values = values | self._identity
            line = json.dumps(values, separators=(",", ":"), allow_nan=False) + "\n"
            if self._file:
                self._file.write(line)
            elif self._stream:
                self._stream.write(line, can_wait)
        self._has_begun = True


class WindowClosedError(SinkError):
    """The user closed the window: the run ends, and this is not a fault."""


class WindowSink:
    """A window with the annotated image of each source; q, Escape or a close button end the run."""

    def __init__(self, sources: Sequence[str]) -> None:
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise SinkError("Expected a display for the window; without one use --headless. Received: no DISPLAY")
        self._sources = tuple(sources)
        self._shown: dict[str, BgrImage] = {}
        self._answered_s = 0.0
        try:
            for source in sources:
                cv2.namedWindow(source)
        except cv2.error as error:
            raise SinkError(f"Expected an OpenCV with windows; use --headless. Received: {error.err}") from error

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Show one image."""
        self._shown[result.source] = draw(frame.image, result)
        cv2.imshow(result.source, self._shown[result.source])
        self.turn()

    def tell(self, status: CameraStatus) -> None:
        """Write a failed camera's state across its last image: nobody must take that for a live one."""
        image = self._shown.get(status.name, np.zeros((240, 640, 3), np.uint8))
        if status.state.is_fault:
            cv2.imshow(status.name, draw_words(image, f"{status.state.value}: {status.reason or 'no new images'}"))
        self.turn()

    def turn(self) -> None:
        """Handle keys and buttons, at most every `ANSWER_S`."""
        now_s = time.monotonic()
        if now_s - self._answered_s < ANSWER_S:
            return
        self._answered_s = now_s
        key = cv2.waitKey(1) & 0xFF
        gone = any(cv2.getWindowProperty(source, cv2.WND_PROP_VISIBLE) < 1 for source in self._sources)
        if gone or key in (ord("q"), 27):
            raise WindowClosedError("Expected the window to stay open. Received: closed")

    def close(self) -> None:
        """Close the windows."""
        cv2.destroyAllWindows()


@contextlib.contextmanager
def writing(what: str) -> Iterator[None]:
    """Within this context, turn an OSError into a SinkError about `what`."""
    try:
        yield
    except (SinkError, BrokenPipeError):  # that the reader of our output has gone is not a fault
        raise
    except OSError as error:
        reason = "a pipe that nobody reads" if error.errno == errno.ENXIO else str(error)
        raise SinkError(f"Expected to write {what}. Received: {reason}") from error


def checked_place(path: Path) -> Path:
    """Return `path` if a file may be written there; else raise a SinkError."""
    try:
        if path.is_dir():
            reason = "a folder"
        elif not path.parent.is_dir():
            reason = "no such folder"
        elif os.access(path if os.path.lexists(path) else path.parent, os.W_OK):
            return path
        else:
            reason = "no permission to write there"
    except OSError as error:  # a folder that this user may not look into, a name that is too long
        reason = str(error.strerror)
    raise SinkError(f"Expected the name of a file in an existing folder. Received: {path}, {reason}")


def checked_folder(path: Path) -> Path:
    """Return `path` if it is, or can become, a folder to write to; else raise a SinkError."""
    try:
        there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        reason = "a file" if not there.is_dir() else "no permission to write there"
        if there.is_dir() and os.access(there, os.W_OK):
            return path
    except OSError as error:
        reason = str(error.strerror)
    raise SinkError(f"Expected a folder, or the name of a new one. Received: {path}, {reason}")


def close_all(sinks: Sequence[Sink]) -> None:
    """Close every sink; if one fails, log that and close the others anyway."""
    for sink in sinks:
        try:
            sink.close()
        except OSError as error:
            _log.warning("Expected %s to finish. Received: %s", type(sink).__name__, error)


def reopen_all(sinks: Sequence[Sink]) -> None:
    """Let every sink that writes to a file reopen it."""
    for sink in sinks:
        getattr(sink, "reopen", lambda: None)()
    _log.info("files were reopened")
