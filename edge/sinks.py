"""Where results go: one small class each with `write` and `close`."""

import json
import os
import sys
from typing import Any, Protocol, TextIO

import cv2

from edge.annotate import draw
from edge.errors import SinkError
from edge.results import Frame, FrameResult, Person

SCHEMA = 1
"""Version of the JSON lines; it grows when a field changes its meaning or goes away."""


class Sink(Protocol):
    """Takes every result with its frame, in the loop's thread: it must not block for long."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Take one result; SinkError when it can't."""

    def close(self) -> None:
        """Finish what was written."""


class JsonLinesSink:
    """One JSON object a line, flushed: see `to_json`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Write one line."""
        try:
            self._stream.write(json.dumps(to_json(result), separators=(",", ":"), allow_nan=False) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise  # the reader of our output has left: no fault
        except OSError as error:
            raise SinkError(f"Expected to write a JSON line to {self._name}. Received: {error}") from error

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._stream is not sys.stdout:
            self._stream.close()

    @property
    def _name(self) -> str:
        return getattr(self._stream, "name", "a stream")


class WindowClosedError(SinkError):
    """The user closed the window: the end, not a fault."""


class WindowSink:
    """A window with the annotated picture; q, Escape or its close button end the run."""

    title = "Facial emotion"

    def __init__(self) -> None:
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise SinkError("Expected a display for the window; without one use --headless. Received: no DISPLAY")
        try:
            cv2.namedWindow(self.title)
        except cv2.error as error:
            raise SinkError(f"Expected an OpenCV with windows; use --headless. Received: {error.err}") from error

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Show one picture."""
        cv2.imshow(self.title, draw(frame.image, result))
        key = cv2.waitKey(1) & 0xFF
        if key in (ord("q"), 27) or cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) < 1:
            raise WindowClosedError("Expected the window to stay open. Received: closed")

    def close(self) -> None:
        """Close the window."""
        cv2.destroyAllWindows()


def to_json(result: FrameResult) -> dict[str, Any]:
    """The result as plain values; boxes are [x, y, width, height] in full-frame pixels, times Unix seconds."""
    timings = {name.removesuffix("_ms"): round(value, 3) for name, value in vars(result.timings).items()}
    return {
        "schema": SCHEMA,
        "frame_index": result.frame_index,
        "captured_at": round(result.captured_at, 3),
        "source": result.source,
        "age_ms": round(result.age_ms, 1),
        "faces": [_face(person) for person in result.people],
        "timings_ms": timings,
    }


def _face(person: Person) -> dict[str, Any]:
    return {
        "box": list(person.box),
        "track_id": person.track_id,
        "emotion": person.emotion,
        "confidence": round(person.confidence, 4),
        "scores": {label: round(score, 4) for label, score in person.scores.as_dict().items()},
        "face_score": round(person.face_score, 4),
        "certainty": round(person.certainty, 4),
        "intensity": round(person.intensity, 4),
        "valence": round(person.valence, 4),
        "arousal": round(person.arousal, 4),
    }
