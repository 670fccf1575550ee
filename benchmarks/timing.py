"""Times that survive a noisy machine: what is compared is measured in turns, within one process and one run.

They are processor times: what other programs take of a core meanwhile is not counted.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

Work = Callable[[], object]


def measure_ms(work: Work) -> float:
    """Milliseconds that one call keeps cores busy, those of all its threads together."""
    started_s = time.process_time()
    work()
    return (time.process_time() - started_s) * 1e3


def interleaved_ms(works: Sequence[Work], rounds: int = 40) -> list[float]:
    """The fastest milliseconds of each, measured in turns: busy caches and shared cores only ever add time."""
    for work in works:
        work()
    samples = [[measure_ms(work) for work in works] for _ in range(rounds)]
    return [float(fastest) for fastest in np.min(samples, axis=0)]


def ratio(work: Work, to: Work, rounds: int = 40) -> float:
    """How many times longer `work` takes than `to`."""
    work_ms, to_ms = interleaved_ms([work, to], rounds)
    return work_ms / to_ms


def yardstick() -> Work:
    """A fixed piece of work (a heap sort of 20,000 numbers, about a ms, one core) that latencies are told in.

    A ratio to it cancels most of what differs between two moments of one machine (clock, load); it
    does not make two machines comparable.
    """
    numbers = np.random.default_rng(0).random(20_000)
    return lambda: np.sort(numbers, kind="heapsort")
