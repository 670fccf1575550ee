"""What the main loop measures about itself: rates, ages, times per stage. Memory is bounded, however long it runs."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from edge.results import FrameResult, Timings

WINDOW = 2_000
"""Percentiles are taken over this many of the latest frames."""


class RateMeter:
    """Events per second over the last `window_s` seconds; N ticks span N - 1 intervals."""

    def __init__(self, window_s: float = 2.0) -> None:
        self._window_s = window_s
        self._ticks_s: deque[float] = deque()

    def tick(self, now_s: float) -> None:
        """Count one event at `now_s` (`time.monotonic()`)."""
        self._ticks_s.append(now_s)
        while now_s - self._ticks_s[0] > self._window_s:
            self._ticks_s.popleft()

    @property
    def per_second(self) -> float:
        """The events per second; 0 before the second event."""
        span_s = self._ticks_s[-1] - self._ticks_s[0] if self._ticks_s else 0.0
        return (len(self._ticks_s) - 1) / span_s if span_s > 0 else 0.0


@dataclass(frozen=True)
class Percentiles:
    """The 50th, 95th and 99th percentile of a figure."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Summary:
    """The figures of a whole run."""

    frames: int
    with_faces: int
    dropped: int
    """Frames of live sources that newer ones overwrote before they were processed."""
    skipped: int
    """Frames of live sources that were skipped, without decoding, to keep to `fps`."""
    failed: int
    """Photos, and damaged spots of films, that could not be read."""
    detections: int
    classifications: int
    seconds: float
    first_result_s: float
    emotions: dict[str, int]
    """How many faces were given each label."""
    age_ms: Percentiles
    stages_ms: dict[str, Percentiles]
    reconnects: int
    setup: str
    """The detector and the model that were used."""

    @property
    def per_second(self) -> float:
        """Processed frames per second, counted from the first result."""
        span_s = self.seconds - self.first_result_s
        return (self.frames - 1) / span_s if self.frames > 1 and span_s > 0 else 0.0


class RunStats:
    """Counts frames and keeps the last `WINDOW` timings.

    Usage:
        stats = RunStats(started_s=time.monotonic())
        stats.add(result, time.monotonic())
        print(stats.rate.per_second, stats.stages_ms()["detect_ms"].p95)
    """

    def __init__(self, started_s: float) -> None:
        self.rate = RateMeter()
        self.frames = 0
        self.with_faces = 0
        self.emotions: dict[str, int] = {}
        self._started_s = started_s
        self._first_s = started_s
        self._ages_ms: deque[float] = deque(maxlen=WINDOW)
        self._timings: deque[Timings] = deque(maxlen=WINDOW)

    def add(self, result: FrameResult, now_s: float) -> None:
        """Count one processed frame whose result was ready at `now_s`."""
        if self.frames == 0:
            self._first_s = now_s
        self.frames += 1
        self.with_faces += bool(result.faces)
        for face in result.faces:
            self.emotions[face.emotion] = self.emotions.get(face.emotion, 0) + 1
        self.rate.tick(now_s)
        self._ages_ms.append(result.age_ms)
        self._timings.append(result.timings)

    def summary(self, now_s: float, setup: str, **counts: int) -> Summary:
        """The figures until `now_s`; `counts` come from the engine."""
        return Summary(
            frames=self.frames,
            with_faces=self.with_faces,
            seconds=now_s - self._started_s,
            first_result_s=self.first_result_s,
            emotions=dict(self.emotions),
            age_ms=self.age_ms(),
            stages_ms=self.stages_ms(),
            setup=setup,
            **counts,
        )

    @property
    def first_result_s(self) -> float:
        """Seconds from the start to the first result."""
        return self._first_s - self._started_s

    def age_ms(self) -> Percentiles:
        """The age of results: the time from reading an image to its result."""
        return percentiles(self._ages_ms)

    def stages_ms(self) -> dict[str, Percentiles]:
        """The percentiles of each stage, over the frames in which it ran."""
        stages = {stage.name: [getattr(timing, stage.name) for timing in self._timings] for stage in fields(Timings)}
        return {name: percentiles([value for value in values if value > 0]) for name, values in stages.items()}


def percentiles(values: Sequence[float]) -> Percentiles:
    """The percentiles 50, 95 and 99 of some values; zeros if there are none."""
    if not values:
        return Percentiles(0.0, 0.0, 0.0)
    return Percentiles(*(float(value) for value in np.percentile(np.fromiter(values, float), (50, 95, 99))))


def format_summary(summary: Summary) -> str:
    """The summary as text for people."""
    stages = [
        f"{name.removesuffix('_ms')} {stage.p50:.1f}/{stage.p95:.1f}/{stage.p99:.1f}"
        for name, stage in summary.stages_ms.items()
    ]
    emotions = sorted(summary.emotions.items(), key=lambda item: -item[1])
    age = summary.age_ms
    return "\n".join(
        [
            f"{summary.frames} frames in {summary.seconds:.1f} s ({summary.per_second:.1f} per second), "
            f"{summary.with_faces} with a face; first result after {summary.first_result_s:.2f} s",
            "emotions: " + (", ".join(f"{name} {count}" for name, count in emotions) or "none"),
            f"milliseconds, p50/p95/p99: {', '.join(stages)}",
            f"age of results in milliseconds, p50/p95/p99: {age.p50:.0f}/{age.p95:.0f}/{age.p99:.0f}",
            f"dropped at capture {summary.dropped}, skipped for the rate {summary.skipped}, "
            f"detections {summary.detections}, classifications {summary.classifications}, "
            f"reconnects {summary.reconnects}",
            *([f"{summary.failed} items could not be read, and were left out"] if summary.failed else []),
            summary.setup,
        ]
    )
