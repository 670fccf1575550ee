"""Standard output of a service: short lines, and few, since the journal keeps them for weeks."""

from edge.changes import Changes
from edge.results import Frame, FrameResult
from edge.schema import count_emotions, people_to_json
from edge.sinks import JsonLinesSink

PERIOD_S = 60.0
"""From one line of a camera to the next where nothing changes."""
LEAST_S = 5.0
"""And where everything does: with 0.5 kB in the journal for each line, a day stays below 10 MB."""


class JournalSink(JsonLinesSink):
    """How many are in view with which emotions: a line when that changes, and one per minute; faults as they come."""

    _changes: Changes | None = None

    def write(self, frame: Frame, result: FrameResult) -> bool:  # type: ignore[override]
        """Write a line if it is time to."""
        changes = self._changes = self._changes or Changes(PERIOD_S, LEAST_S, count_emotions)
        if not changes.is_due(frame, result):
            return False
        self._add(people_to_json(result, self._device), can_wait=not frame.is_live)
        changes.told(frame, result)
        return True
