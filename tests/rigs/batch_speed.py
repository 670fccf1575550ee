"""How much sooner two workers are done with an archive of short clips than one: each worker has a core of its own.

    python -m tests.rigs.batch_speed --clips 100 --frames 15
    chrt --rr 1 python -m tests.rigs.batch_speed        # as root: others hardly matter, and hardly run

Prints what each run took, and what other programs took of its cores: only a run with little of that counts.
"""

import argparse
import functools
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2

from edge.sources import DemoSource
from tests.processes import ROOT

TICKS = os.sysconf("SC_CLK_TCK")


class Run(NamedTuple):
    """One run of `edge.batch`."""

    workers: int
    wall_s: float
    processor_s: float
    """Of all its processes."""
    others: float
    """The share of the run's cores that other programs took."""


def write_clips(folder: Path, clips: int, frames: int) -> None:
    """MP4 files of the demo, each of which begins a little later."""
    demo = DemoSource()
    images = [demo.image(index) for index in range(clips + frames)]
    for number in range(clips):
        name = str(folder / f"clip{number:03}.mp4")
        writer = cv2.VideoWriter(name, cv2.VideoWriter.fourcc(*"mp4v"), 15, DemoSource.size)
        for image in images[number : number + frames]:
            writer.write(image)
        writer.release()


def measure(folder: Path, cores: Sequence[int]) -> Run:
    """Work through the folder with a worker for each of these cores."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "edge.batch", folder, "--out", out, "--workers", str(len(cores))]
        before, used_s, busy_s = time.monotonic(), _children_s(), _busy_s(cores)
        pin = functools.partial(os.sched_setaffinity, 0, cores)
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, preexec_fn=pin)
        wall_s, processor_s = time.monotonic() - before, _children_s() - used_s
        others = max(0.0, _busy_s(cores) - busy_s - processor_s) / (wall_s * len(cores))
    return Run(len(cores), wall_s, processor_s, others)


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _busy_s(cores: Sequence[int]) -> float:
    lines = (line.split() for line in Path("/proc/stat").read_text().splitlines())
    fields = {name: list(map(int, values)) for name, *values in lines if name.startswith("cpu")}
    return sum(sum(fields[f"cpu{core}"][:8]) - sum(fields[f"cpu{core}"][3:5]) for core in cores) / TICKS


def main() -> None:
    """One core and two, in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--frames", type=int, default=15)
    parser.add_argument("--times", type=int, default=1)
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory() as folder:
        write_clips(Path(folder), arguments.clips, arguments.frames)
        for _ in range(arguments.times):
            one, two = measure(Path(folder), cores[:1]), measure(Path(folder), cores)
            for run in (one, two):
                print(
                    f"{run.workers} workers: {run.wall_s:.1f} s, {run.processor_s:.1f} s of processor; others took "
                    f"{run.others:.0%} of the cores"
                )
            print(f"{one.wall_s / two.wall_s:.2f} times as fast", flush=True)


if __name__ == "__main__":
    main()
