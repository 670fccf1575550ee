"""Which results are worth telling: a changed label at once, else one per second of each source."""

from typing import Any

from edge.results import Frame, FrameResult
from edge.sinks import Sink

PERIOD_S = 1.0
"""From one telling of a source to the next, unless a label changes."""


class Changes:
    """What was told last of each source.

    Usage:
        if changes.is_due(frame, result):
            changes.told(frame, result)
    """

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self._period_s = period_s
        self._last: dict[str, tuple[float, frozenset[tuple[int, str]]]] = {}

    def is_due(self, frame: Frame, result: FrameResult) -> bool:
        """Whether this result says something new, or the last one is old; a photo is always new."""
        if frame.is_still or result.source not in self._last:
            return True
        told_s, labels = self._last[result.source]
        return _labels(result) != labels or not 0 <= frame.time_s - told_s < self._period_s

    def told(self, frame: Frame, result: FrameResult) -> None:
        """This result was told."""
        self._last[result.source] = frame.time_s, _labels(result)


class ChangesSink:
    """Another sink that gets only results worth telling: a day of 15 lines per second would fill a disk."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._changes = Changes()

    def write(self, frame: Frame, result: FrameResult) -> object:
        """Hand the result on if it is due."""
        if not self._changes.is_due(frame, result):
            return False
        written = self._sink.write(frame, result)
        self._changes.told(frame, result)
        return written

    def close(self) -> None:
        """Close the sink."""
        self._sink.close()

    def __getattr__(self, name: str) -> Any:
        """What else the sink has: `tell`, `turn`, `reopen`."""
        return getattr(self._sink, name)


def _labels(result: FrameResult) -> frozenset[tuple[int, str]]:
    return frozenset((face.track_id, face.emotion) for face in result.faces)
