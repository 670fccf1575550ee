"""Measures times reliably on a busy machine: what is compared is measured in turns, in one process and one run.

These are processor times: the time that other programs use meanwhile is not counted.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

Work = Callable[[], object]


def measure_ms(work: Work) -> float:
    """The processor time of one call in milliseconds, for all threads together."""
    started_s = time.process_time()
    work()
    return (time.process_time() - started_s) * 1e3


def interleaved_ms(works: Sequence[Work], rounds: int = 40) -> list[float]:
    """The fastest time of each in milliseconds, measured in turns: busy caches and shared cores can only add time."""
    for work in works:
        work()
    samples = [[measure_ms(work) for work in works] for _ in range(rounds)]
    return [float(fastest) for fastest in np.min(samples, axis=0)]


def ratio(work: Work, to: Work, rounds: int = 40) -> float:
    """How many times longer `work` takes than `to`."""
    work_ms, to_ms = interleaved_ms([work, to], rounds)
    return work_ms / to_ms


def yardstick() -> Work:
    """A fixed piece of work as the unit of latencies: a heap sort of 20,000 numbers, about 1 ms on one core.

    A ratio to it cancels most differences between two moments on one machine (clock rate, load), but it
    does not make two machines comparable.
    """
    numbers = np.random.default_rng(0).random(20_000)
    return lambda: np.sort(numbers, kind="heapsort")
