"""Where results go: one small class each with `write` and `close`."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TextIO

import cv2

from edge.annotate import draw
from edge.errors import SinkError
from edge.results import Frame, FrameResult
from edge.schema import to_json

_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Takes every result with its frame, in the loop's thread: it must not block for long."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Take one result; SinkError when it can't."""

    def close(self) -> None:
        """Finish what was written."""


class JsonLinesSink:
    """One JSON object a line, flushed (see `edge/schema.py`): to a stream, or to the end of a file.

    The file is made with the first line.
    """

    def __init__(self, target: TextIO | Path) -> None:
        self._target = checked_place(target) if isinstance(target, Path) else target
        self._stream = None if isinstance(target, Path) else target

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Write one line."""
        try:
            if self._stream is None:
                self._stream = open_at_end(Path(str(self._target)))
            self._stream.write(json.dumps(to_json(result), separators=(",", ":"), allow_nan=False) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise  # the reader of our output has left: no fault
        except OSError as error:
            name = getattr(self._stream, "name", self._target)
            raise SinkError(f"Expected to write a JSON line to {name}. Received: {error}") from error

    def close(self) -> None:
        """Close the file; a stream stays open, it is its owner's."""
        if self._stream is not None and self._stream is not self._target:
            self._stream.close()


class WindowClosedError(SinkError):
    """The user closed the window: the end, not a fault."""


class WindowSink:
    """A window with the annotated image of each source; q, Escape or a close button end the run."""

    def __init__(self, sources: Sequence[str]) -> None:
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise SinkError("Expected a display for the window; without one use --headless. Received: no DISPLAY")
        try:
            for source in sources:
                cv2.namedWindow(source)
        except cv2.error as error:
            raise SinkError(f"Expected an OpenCV with windows; use --headless. Received: {error.err}") from error

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Show one image."""
        cv2.imshow(result.source, draw(frame.image, result))
        key = cv2.waitKey(1) & 0xFF
        if key in (ord("q"), 27) or cv2.getWindowProperty(result.source, cv2.WND_PROP_VISIBLE) < 1:
            raise WindowClosedError("Expected the window to stay open. Received: closed")

    def close(self) -> None:
        """Close the windows."""
        cv2.destroyAllWindows()


class FanOut:
    """Gives results to every sink; one that fails is left out, unless it is the last."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = list(sinks)
        self.closed = False

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Hand the result on; the last sink's error is raised."""
        for sink in tuple(self._sinks):
            try:
                sink.write(frame, result)
            except WindowClosedError:
                self.closed = True
            except OSError as error:
                self._sinks.remove(sink)
                if not self._sinks:
                    raise
                _log.warning("%s; the run goes on without it", error)


def checked_place(path: Path) -> Path:
    """`path`, if a file may lie there; else a SinkError."""
    try:
        if path.parent.is_dir() and not path.is_dir():
            return path
        reason = "a folder" if path.is_dir() else "no such folder"
    except OSError as error:  # a folder that this user may not look into
        reason = str(error.strerror)
    raise SinkError(f"Expected the name of a file in an existing folder. Received: {path}, {reason}")


def open_at_end(path: Path) -> TextIO:
    """The file, to add lines to it: a service that starts again keeps what it wrote before."""
    file = path.open("a", newline="", encoding="utf-8")
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as written:
            written.seek(-1, os.SEEK_END)
            if written.read() != b"\n":  # the power failed within a line
                file.write("\n")
    return file


def close_all(sinks: Sequence[Sink]) -> None:
    """Close every sink; what one can't finish is logged and no reason to leave the others open."""
    for sink in sinks:
        try:
            sink.close()
        except OSError as error:
            _log.warning("Expected %s to finish. Received: %s", type(sink).__name__, error)
