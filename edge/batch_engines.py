"""What works on several files at a time: processes of this machine, or a Ray cluster."""

import importlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeAlias, TypeVar

from edge.errors import ConfigError

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")
Engine: TypeAlias = Callable[[Callable[[Any], Any], Sequence[Any], int, Callable[[Any], Any]], Iterator[Any]]
"""A function of: what processes a job, the jobs, how many at a time, and the outcome of a job that killed its
process."""


def local(
    process: Callable[[Job], Outcome], jobs: Sequence[Job], workers: int, died: Callable[[Job], Outcome]
) -> Iterator[Outcome]:
    """Process the jobs on this machine. A file that kills its process (a decoder crashed) costs no other file."""
    waiting = list(reversed(jobs))
    while waiting:
        running: dict[Future[Outcome], Job] = {}
        try:
            with _pool(workers) as pool:
                while waiting or running:
                    while waiting and len(running) < workers:
                        future = pool.submit(process, waiting[-1])
                        running[future] = waiting.pop()
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        outcome = future.result()
                        del running[future]
                        yield outcome
        except BrokenProcessPool:  # one of the jobs that were running did it: run each again, by itself
            for job in running.values():
                yield _alone(process, job, died)


def _alone(process: Callable[[Job], Outcome], job: Job, died: Callable[[Job], Outcome]) -> Outcome:
    with _pool(1) as pool:
        try:
            return pool.submit(process, job).result()
        except BrokenProcessPool:
            return died(job)


def _pool(workers: int) -> ProcessPoolExecutor:
    """Fresh processes: those that were forked after a network was loaded would load it again anyway."""
    return ProcessPoolExecutor(workers, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN))


def ray(
    process: Callable[[Job], Outcome], jobs: Sequence[Job], workers: int, died: Callable[[Job], Outcome]
) -> Iterator[Outcome]:
    """Process the jobs on the Ray cluster at RAY_ADDRESS, else on a local one; its nodes need this package and see the
    files."""
    library = _ray()
    own = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": workers, "_node_ip_address": "127.0.0.1"}
    library.init(**own, log_to_driver=False)
    remote = library.remote(num_cpus=1, max_retries=1)(process)
    running = {remote.remote(job): job for job in jobs}
    try:
        while running:
            (done, *_), _ = library.wait(list(running))
            job = running.pop(done)
            try:
                outcome = library.get(done)
            except library.exceptions.RayError:
                outcome = died(job)
            yield outcome
    finally:
        library.shutdown()


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ConfigError(f"Expected Ray for --engine ray: pip install '.[ray]'. Received: {error}") from error


ENGINES: dict[str, Engine] = {"local": local, "ray": ray}
