"""What is known about a stream of results while it runs: the newest one, the last minute, rates and times."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from edge.results import FrameResult, Timings
from edge.run_stats import RateMeter

TIMELINE_S = 60.0
SAMPLE_EVERY_S = 0.5
RECENT = 30
"""Results over which the line of health takes its means: two seconds of a usual camera."""

Listener = Callable[[FrameResult], None]


@dataclass(frozen=True)
class Sample:
    """One moment of one face."""

    at_s: float
    scores: Mapping[str, float]
    valence: float = 0.0
    arousal: float = 0.0


@dataclass(frozen=True)
class Health:
    """Rates and times over the last `RECENT` results."""

    per_second: float = 0.0
    age_ms: float = 0.0
    """From the moment an image was read to the moment it was ready for the browser."""
    stages_ms: tuple[tuple[str, float], ...] = ()


class Monitor:
    """Filled by the thread that processes, read by the pages.

    Usage:
        monitor.add(result, drawing_ms)
        monitor.latest, monitor.timeline(), monitor.health()
    """

    def __init__(self) -> None:
        self.latest: FrameResult | None = None
        self._lock = threading.Lock()
        self._listeners: dict[str, Listener] = {}
        self._timeline: deque[Sample] = deque(maxlen=round(TIMELINE_S / SAMPLE_EVERY_S) + 1)
        self._rate = RateMeter()
        self._recent: deque[tuple[Timings, float, float]] = deque(maxlen=RECENT)

    def add(self, result: FrameResult, draw_ms: float) -> None:
        """Take a result whose image has just been drawn."""
        now_s = time.monotonic()
        with self._lock:
            self.latest = result
            self._rate.tick(now_s)
            self._recent.append((result.timings, draw_ms, (now_s - result.captured_monotonic_s) * 1000))
            self._sample(result)
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener(result)

    def listen(self, name: str, listener: Listener) -> None:
        """Hand every result to `listener` too, in the thread that processes."""
        with self._lock:
            self._listeners[name] = listener

    def unlisten(self, name: str) -> None:
        """Hand no more results to the listener of this name, if there is one."""
        with self._lock:
            self._listeners.pop(name, None)

    def timeline(self) -> list[Sample]:
        """The largest face over the last minute."""
        with self._lock:
            return list(self._timeline)

    def health(self) -> Health:
        """How it goes; zeros before the first result."""
        with self._lock:
            recent, per_second = list(self._recent), self._rate.per_second
        if not recent:
            return Health()
        names = [stage.name for stage in fields(Timings) if stage.name != "total_ms"]
        stages = [(name.removesuffix("_ms"), _mean([getattr(item[0], name) for item in recent])) for name in names]
        stages.append(("draw", _mean([draw_ms for _, draw_ms, _ in recent])))
        return Health(per_second, _mean([age_ms for *_, age_ms in recent]), tuple(stages))

    def _sample(self, result: FrameResult) -> None:
        due = not self._timeline or result.captured_monotonic_s - self._timeline[-1].at_s >= SAMPLE_EVERY_S
        if due and result.faces:
            self._timeline.append(sample_of(result))


def sample_of(result: FrameResult) -> Sample:
    """The largest face of a result that has one."""
    face = max(result.faces, key=lambda face: face.box.width * face.box.height)
    return Sample(result.captured_monotonic_s, face.scores.as_dict(), face.valence, face.arousal)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
