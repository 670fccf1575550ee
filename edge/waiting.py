"""The queue of results for a broker: in memory (here), or on the disk (`edge/store.py`)."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

LATE_S = 5.0
"""A result that waited longer is marked as late, and sent to another topic than current ones."""


class Entry(NamedTuple):
    """A result that waits."""

    number: int
    """The result's number; later results have larger ones."""
    source: str
    line: str
    """Its JSON."""
    is_late: bool


class Waiting(Protocol):
    """A queue of results; if there are too many, the oldest are dropped."""

    dropped: int
    """How many results were dropped before the broker had them."""
    wake: Callable[[], None]
    """Called when a result is waiting."""

    def put(self, source: str, line: str, captured_at: float) -> None:
        """Add a result; SinkError if it can't be kept."""

    def after(self, number: int, most: int) -> list[Entry]:
        """The first results that wait behind this number."""

    def done(self, number: int) -> None:
        """Note that the broker has all results up to this number."""

    @property
    def done_through(self) -> int:
        """The number up to which the broker has all results."""

    @property
    def count(self) -> int:
        """How many wait."""


class MemoryQueue:
    """A queue of at most `most` results in memory.

    Usage:
        queue = MemoryQueue(10_000)
        queue.put("door", '{"schema":2}', time.time())
        for entry in queue.after(queue.done_through, 20):
            queue.done(entry.number)
    """

    def __init__(self, most: int, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.dropped = 0
        self.wake: Callable[[], None] = lambda: None
        self.done_through = 0
        self._most, self._clock_s = most, clock_s
        self._lock = threading.Lock()
        self._last = 0
        self._waiting: deque[tuple[int, float, str, str]] = deque()

    def put(self, source: str, line: str, captured_at: float) -> None:
        """Add a result; if there is no room, the oldest is dropped."""
        with self._lock:
            if len(self._waiting) == self._most:
                self._waiting.popleft()
                self.dropped += 1
            self._last += 1
            self._waiting.append((self._last, self._clock_s(), source, line))
        self.wake()

    def after(self, number: int, most: int) -> list[Entry]:
        """The first results that wait behind this number."""
        late_s = self._clock_s() - LATE_S
        with self._lock:
            first = max(0, number + 1 - self._waiting[0][0]) if self._waiting else 0
            found = [self._waiting[index] for index in range(first, min(first + most, len(self._waiting)))]
        return [Entry(number, source, line, put_s < late_s) for number, put_s, source, line in found]

    def done(self, number: int) -> None:
        """Remove all results up to this number."""
        with self._lock:
            self.done_through = max(self.done_through, number)
            while self._waiting and self._waiting[0][0] <= number:
                self._waiting.popleft()

    @property
    def count(self) -> int:
        """How many wait."""
        return len(self._waiting)
