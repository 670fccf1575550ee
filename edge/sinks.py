"""Where results go: one small class each with `write` and `close`.

A sink may also have `tell(state)` (how a camera is), `turn()` (called while no frame comes) and `reopen()` (a service's
SIGHUP); who lacks one is not asked.
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
"""How often windows look for keys: every frame of a usual camera."""

_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Takes every result with its frame, in the loop's thread: it must not block for long."""

    def write(self, frame: Frame, result: FrameResult) -> object:
        """Take one result; False if there was nothing to write, SinkError when it can't."""

    def close(self) -> None:
        """Finish what was written."""
        return


class JsonLinesSink:
    """One JSON object per line, flushed (see `edge/schema.py`): to a stream, or to the end of a file.

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
        """What the first line of a run, and of a file, tells once."""
        self._has_begun = False
        self._name = target if isinstance(target, Path) else getattr(target, "name", "a stream")
        self._file = LineFile(checked_place(target)) if isinstance(target, Path) else None
        self._stream = None if isinstance(target, Path) else StreamLines(target, stop)
        self._faulty: set[str] = set()
        """The cameras of which a line said that they fail."""
        self._last: dict[str, FrameResult] = {}

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Write one line."""
        self._last[result.source] = result
        self._add(to_json(result, self._device), can_wait=not frame.is_live)

    def tell(self, status: CameraStatus) -> bool:
        """Write a line about a camera that fails, or that is back; that all is well at the start is no news."""
        if not (status.state.is_fault or (status.name in self._faulty and status.state is CameraState.ONLINE)):
            return False
        last = self._last.get(status.name) if status.state is CameraState.FROZEN else None
        device = self._device
        self._add(frozen_to_json(status, last, device) if last else status_to_json(status, device))
        (self._faulty.add if status.state.is_fault else self._faulty.discard)(status.name)
        return True

    def reopen(self) -> None:
        """Open the file anew with the next line."""
        if self._file:
            self._file.reopen()

    def close(self) -> None:
        """Close the file; a stream stays open, it is its owner's."""
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
    """The user closed the window: the end, not a fault."""


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
        """Write over the last image that a camera fails: who looks must not take it for a live one."""
        image = self._shown.get(status.name, np.zeros((240, 640, 3), np.uint8))
        if status.state.is_fault:
            cv2.imshow(status.name, draw_words(image, f"{status.state.value}: {status.reason or 'no new images'}"))
        self.turn()

    def turn(self) -> None:
        """Answer keys and buttons, at most every `ANSWER_S`."""
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
    """Turn what the system says into a SinkError about `what`."""
    try:
        yield
    except (SinkError, BrokenPipeError):  # the reader of our output has left: no fault
        raise
    except OSError as error:
        reason = "a pipe that nobody reads" if error.errno == errno.ENXIO else str(error)
        raise SinkError(f"Expected to write {what}. Received: {reason}") from error


def checked_place(path: Path) -> Path:
    """`path`, if a file may be written there; else a SinkError."""
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
    """`path`, if it is a folder to write to, or can become one; else a SinkError."""
    try:
        there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        reason = "a file" if not there.is_dir() else "no permission to write there"
        if there.is_dir() and os.access(there, os.W_OK):
            return path
    except OSError as error:
        reason = str(error.strerror)
    raise SinkError(f"Expected a folder, or the name of a new one. Received: {path}, {reason}")


def close_all(sinks: Sequence[Sink]) -> None:
    """Close every sink; what one can't finish is logged and no reason to leave the others open."""
    for sink in sinks:
        try:
            sink.close()
        except OSError as error:
            _log.warning("Expected %s to finish. Received: %s", type(sink).__name__, error)


def reopen_all(sinks: Sequence[Sink]) -> None:
    """Have every sink that writes to a file open it anew."""
    for sink in sinks:
        getattr(sink, "reopen", lambda: None)()
    _log.info("files are opened anew")
