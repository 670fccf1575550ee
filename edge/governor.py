"""Adaptive mode: the loop measures its own load and chooses how often to detect and classify, to stay within a budget.

measured use and age -> Governor -> one rung of the ladder (frames per second, detect every, classify every)
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from edge.config import EdgeConfig


class Intervals(NamedTuple):
    """How often the three costly steps run."""

    fps: float
    """The most frames per second to process of a live source; 0: all."""
    detect_every: int
    classify_every: int


LADDER = (
    Intervals(30, 1, 1),
    Intervals(30, 2, 1),
    Intervals(30, 3, 2),
    Intervals(20, 3, 2),
    Intervals(15, 3, 2),
    Intervals(15, 5, 3),
    Intervals(10, 4, 3),
    Intervals(7.5, 4, 3),
    Intervals(5, 3, 2),
    Intervals(3, 2, 2),
    Intervals(2, 2, 2),
    Intervals(1, 1, 1),
)
"""From the most to the least work; each rung costs about three quarters of the one before."""
STEP_COST = 0.75
START = 4
MEASURE_S = 1.0
CLIMB_BELOW = 0.7
"""The governor tries a rung with more work when the use is below this share of the budget."""
IDLE_FPS = 5.0
"""Frames per second of an idle scene: enough to see somebody come in."""


def fixed_intervals(config: EdgeConfig) -> Intervals:
    """The intervals that the options set."""
    return Intervals(config.fps, config.detect_every, config.classify_every)


def frame_rate(intervals: Intervals, idle: bool) -> float:
    """Frames per second to process of a live source: fewer if the scene is idle."""
    return min(intervals.fps or IDLE_FPS, IDLE_FPS) if idle else intervals.fps


class Governor:
    """Steps down the ladder as soon as use or age exceed their limits, and up when there has been room for a while.

    After a step up that had to be undone, the next one waits twice as long, up to a minute: it must not oscillate.

    Usage:
        governor = Governor(config)
        intervals = governor.update(age_ms)   # after each processed frame
    """

    def __init__(
        self,
        config: EdgeConfig,
        clock_s: Callable[[], float] = time.monotonic,
        processor_s: Callable[[], float] = time.process_time,
    ) -> None:
        self.use = 0.0
        """Load of all threads in the last measurement, as a share of one core."""
        self._config = config
        self._clock_s, self._processor_s = clock_s, processor_s
        self._rung = START
        self._since_s, self._used_s = clock_s(), processor_s()
        self._worst_age_ms = 0.0
        self._climb_wait_s = MEASURE_S
        self._climb_at_s = self._since_s + MEASURE_S
        self._has_climbed = False

    @property
    def intervals(self) -> Intervals:
        """The intervals of the current rung, with at most `EdgeConfig.fps` frames per second."""
        rung = LADDER[self._rung]
        return rung._replace(fps=min(rung.fps, self._config.fps or rung.fps))

    def update(self, age_ms: float) -> Intervals:
        """Take in the age of a result; once per second, choose the rung anew."""
        self._worst_age_ms = max(self._worst_age_ms, age_ms)
        now_s = self._clock_s()
        if now_s - self._since_s >= MEASURE_S:
            used_s = self._processor_s()
            self.use = (used_s - self._used_s) / (now_s - self._since_s)
            self._choose(now_s)
            self._since_s, self._used_s, self._worst_age_ms = now_s, used_s, 0.0
        return self.intervals

    def _choose(self, now_s: float) -> None:
        excess = self.use / self._config.cpu_budget
        if excess > 1 or self._worst_age_ms > self._config.max_age_ms:
            steps = max(1, math.ceil(math.log(max(excess, 1)) / -math.log(STEP_COST)))
            self._rung = min(self._rung + steps, len(LADDER) - 1)
            self._climb_wait_s = min(2 * self._climb_wait_s, 60.0) if self._has_climbed else MEASURE_S
            self._has_climbed = False
            self._climb_at_s = now_s + self._climb_wait_s
        elif excess < CLIMB_BELOW and self._rung > 0 and now_s >= self._climb_at_s:
            self._rung -= 1
            self._has_climbed = True
            self._climb_at_s = now_s + self._climb_wait_s
