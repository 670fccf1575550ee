"""Keeps what pages show of a running source: the newest result, everybody's last minute, rates and times."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from app.moments import Moment, moment_of
from edge.results import Face, FrameResult, Timings
from edge.run_stats import RateMeter

TIMELINE_S = 60.0
SAMPLE_EVERY_S = 0.5
STAYS_S = 4.0
"""How long a person who has left the view keeps the place on the page."""
RECENT = 30
"""The status line shows means over this many results: two seconds of a usual camera."""

Listener = Callable[[FrameResult], None]


@dataclass(frozen=True)
class Health:
    """Rates and times over the last `RECENT` results."""

    per_second: float = 0.0
    age_ms: float = 0.0
    """Time from reading an image to having it ready for the browser."""
    stages_ms: tuple[tuple[str, float], ...] = ()


@dataclass
class Seen:
    """A person who is in view, or was a moment ago."""

    face: Face
    seen_s: float
    moments: deque[Moment] = field(default_factory=lambda: deque(maxlen=round(TIMELINE_S / SAMPLE_EVERY_S) + 1))

    def take(self, face: Face, now_s: float) -> None:
        """Take in a new result."""
        self.face, self.seen_s = face, now_s
        if not self.moments or now_s - self.moments[-1].at_s >= SAMPLE_EVERY_S:
            self.moments.append(moment_of(face, now_s))


class Monitor:
    """Collects a source's results; the processing thread fills it, the pages read it.

    Usage:
        monitor.add(result, drawing_ms)
        monitor.latest, monitor.people(), monitor.health()
    """

    def __init__(self) -> None:
        self.latest: FrameResult | None = None
        self._lock = threading.Lock()
        self._listeners: dict[str, Listener] = {}
        self._people: dict[int, Seen] = {}
        self._order: list[int] = []
        """The identities that are shown, from left to right."""
        self._rate = RateMeter()
        self._recent: deque[tuple[Timings, float, float]] = deque(maxlen=RECENT)

    def add(self, result: FrameResult, draw_ms: float) -> None:
        """Take a result whose image has just been drawn."""
        now_s = time.monotonic()
        with self._lock:
            self.latest = result
            self._rate.tick(now_s)
            self._recent.append((result.timings, draw_ms, (now_s - result.captured_monotonic_s) * 1000))
            self._remember(result)
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener(result)

    def listen(self, name: str, listener: Listener) -> None:
        """Also pass every result to `listener`, in the processing thread."""
        with self._lock:
            self._listeners[name] = listener

    def unlisten(self, name: str) -> None:
        """Stop passing results to the listener of this name, if there is one."""
        with self._lock:
            self._listeners.pop(name, None)

    def people(self) -> list[Seen]:
        """Who is in view, or was a moment ago, from left to right; small movements don't change the order."""
        with self._lock:
            latest_s = self.latest.captured_monotonic_s if self.latest else 0.0
            here = {who: person for who, person in self._people.items() if latest_s - person.seen_s <= STAYS_S}
            new = sorted(here.keys() - set(self._order), key=lambda who: (here[who].face.box.x, who))
            self._order = _in_places([*(who for who in self._order if who in here), *new], here)
            return [here[who] for who in self._order]

    def health(self) -> Health:
        """Rates and times; zeros before the first result."""
        with self._lock:
            recent, per_second = list(self._recent), self._rate.per_second
        if not recent:
            return Health()
        names = [stage.name for stage in fields(Timings) if stage.name != "total_ms"]
        stages = [(name.removesuffix("_ms"), _mean([getattr(item[0], name) for item in recent])) for name in names]
        stages.append(("draw", _mean([draw_ms for _, draw_ms, _ in recent])))
        return Health(per_second, _mean([age_ms for *_, age_ms in recent]), tuple(stages))

    def _remember(self, result: FrameResult) -> None:
        now_s = result.captured_monotonic_s
        for face in result.faces:
            person = self._people.setdefault(face.track_id, Seen(face, now_s))
            person.take(face, now_s)
        if any(now_s - person.seen_s > TIMELINE_S for person in self._people.values()):
            self._people = {who: person for who, person in self._people.items() if now_s - person.seen_s <= TIMELINE_S}


def _in_places(order: list[int], people: Mapping[int, Seen]) -> list[int]:
    """The order from left to right; people swap places only after passing a neighbor clearly, by half a face."""
    placed: list[int] = []
    for who in order:
        box = people[who].face.box
        place = len(placed)
        while place and box.x + box.width / 2 < people[placed[place - 1]].face.box.x:
            place -= 1
        placed.insert(place, who)
    return placed


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
