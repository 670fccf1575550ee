"""Which results are worth telling: a changed label at once, else one per second of each source."""

from collections.abc import Callable
from typing import Any

from edge.results import Frame, FrameResult
from edge.sinks import Sink

PERIOD_S = 1.0
"""From one telling of a source to the next, unless a label changes."""


class Changes:
    """What was told last of each source.

    A change is told at once, but not sooner than `least_s` after the last line; without one, each `period_s`.

    Usage:
        if changes.is_due(frame, result):
            changes.told(frame, result)
    """

    def __init__(
        self, period_s: float = PERIOD_S, least_s: float = 0.0, news: Callable[[FrameResult], object] | None = None
    ) -> None:
        self._period_s, self._least_s = period_s, least_s
        self._news = news or _labels
        """What counts as a change when it is another."""
        self._last: dict[str, tuple[float, object]] = {}

    def is_due(self, frame: Frame, result: FrameResult) -> bool:
        """Whether this result says something new, or the last one is old; a photo is always new."""
        if frame.is_still or result.source not in self._last:
            return True
        told_s, news = self._last[result.source]
        since_s = frame.time_s - told_s
        return not 0 <= since_s < self._period_s or (since_s >= self._least_s and self._news(result) != news)

    def told(self, frame: Frame, result: FrameResult) -> None:
        """This result was told."""
        self._last[result.source] = frame.time_s, self._news(result)


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
