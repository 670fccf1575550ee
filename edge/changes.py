"""Which results to report: a changed label at once, else one result per second for each source."""

from collections.abc import Callable
from typing import Any

from edge.results import Frame, FrameResult
from edge.sinks import Sink

PERIOD_S = 1.0
"""Seconds between two reports of a source while no label changes."""


class Changes:
    """Decides when to report a source, by what was reported last.

    A change is reported at once, but no sooner than `least_s` after the last report; without a change, a result is
    reported every `period_s`.

    Usage:
        if changes.is_due(frame, result):
            changes.told(frame, result)
    """

    def __init__(
        self, period_s: float = PERIOD_S, least_s: float = 0.0, news: Callable[[FrameResult], object] | None = None
    ) -> None:
        self._period_s, self._least_s = period_s, least_s
        self._news = news or _labels
        """What is compared: if this differs from the last report, the result is a change."""
        self._last: dict[str, tuple[float, object]] = {}

    def is_due(self, frame: Frame, result: FrameResult) -> bool:
        """Whether this result is a change, or the last report is old; a photo is always reported."""
        if frame.is_still or result.source not in self._last:
            return True
        told_s, news = self._last[result.source]
        since_s = frame.time_s - told_s
        return not 0 <= since_s < self._period_s or (since_s >= self._least_s and self._news(result) != news)

    def told(self, frame: Frame, result: FrameResult) -> None:
        """Note that this result was reported."""
        self._last[result.source] = frame.time_s, self._news(result)


class ChangesSink:
    """Passes only changes, and one result per second, to another sink: 15 lines per second would soon fill a disk."""

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
        """The other methods of the sink: `tell`, `turn`, `reopen`."""
        return getattr(self._sink, name)


def _labels(result: FrameResult) -> frozenset[tuple[int, str]]:
    return frozenset((face.track_id, face.emotion) for face in result.faces)
