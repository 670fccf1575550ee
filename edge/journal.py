"""The standard output of a service: few and short lines, since the journal keeps them for weeks."""

from edge.changes import Changes
from edge.results import Frame, FrameResult
from edge.schema import count_emotions, people_to_json
from edge.sinks import JsonLinesSink

PERIOD_S = 60.0
"""Seconds between two lines of a camera when nothing changes."""
LEAST_S = 5.0
"""The same when everything changes: with 0.5 kB in the journal per line, a day stays below 10 MB."""


class JournalSink(JsonLinesSink):
    """Writes how many people show which emotion: when that changes, and once per minute; camera faults at once."""

    _changes: Changes | None = None

    def write(self, frame: Frame, result: FrameResult) -> bool:  # type: ignore[override]
        """Write a line if one is due."""
        changes = self._changes = self._changes or Changes(PERIOD_S, LEAST_S, count_emotions)
        if not changes.is_due(frame, result):
            return False
        self._add(people_to_json(result, self._device), can_wait=not frame.is_live)
        changes.told(frame, result)
        return True
