"""How many streams one process can handle, and whether it stays stable over a long time (`--soak-minutes 60`)."""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from benchmarks.machine import memory_mb
from benchmarks.peers.measure import write_clip
from benchmarks.tables import Tables
from edge.config import EdgeConfig
from edge.engine import Engine

STREAMS = (1, 2, 4, 8, 16, 32)
"""Numbers of streams to try; more than eight only while no frames are dropped."""
FPS = 30.0
"""The frame rate of each stream, which is the clip's own."""
SECONDS = 3.0
CARRIED = 0.9
"""Frames count as dropped if a smaller share than this is processed; the rest is lost at the start."""


class Load(NamedTuple):
    """One row of the table."""

    streams: int
    frames_carried: float
    """The share of all streams' frames that were processed in time."""
    age_p95_ms: float
    cpu_cores: float
    cpu_ms_a_frame: float
    memory_mb: float


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A file for each stream, since sources must differ."""
    folder = tmp_path_factory.mktemp("clips")
    first = write_clip(folder / "0.avi", frames=round(FPS * SECONDS) + 60)
    others = [folder / f"{number}.avi" for number in range(1, max(STREAMS))]
    for other in others:
        other.symlink_to(first)
    return [str(first), *map(str, others)]


def test_streams_in_one_process(variants: dict[str, Path], clips: list[str], tables: Tables) -> None:
    """The cost per frame must not grow with the number of streams; how many are possible depends on the machine."""
    loads: dict[int, Load] = {}
    for streams in STREAMS:
        loads[streams] = load = load_of(variants["int8"], clips[:streams])
        tables.add(f"Streams of {FPS:.0f} frames per second in one process, {SECONDS:.0f} s each", **load._asdict())
        if streams >= 8 and load.frames_carried < CARRIED:
            break
    assert loads[8].cpu_ms_a_frame < 2 * loads[1].cpu_ms_a_frame
    assert (loads[8].memory_mb - loads[1].memory_mb) / 7 < 15


def load_of(model: Path, clips: list[str]) -> Load:
    """Measure the load of the clips, played in real time."""
    started_s, cpu_s = time.monotonic(), time.process_time()
    with Engine(EdgeConfig(source=tuple(clips), model=str(model))) as engine:
        ages_ms = [result.age_ms for _, result in engine.results(seconds=SECONDS)]
        memory = memory_mb()
    seconds, cpu_s = time.monotonic() - started_s, time.process_time() - cpu_s
    return Load(
        streams=len(clips),
        frames_carried=len(ages_ms) / (len(clips) * FPS * SECONDS),
        age_p95_ms=float(np.percentile(ages_ms, 95)),
        cpu_cores=cpu_s / seconds,
        cpu_ms_a_frame=cpu_s / len(ages_ms) * 1e3,
        memory_mb=memory,
    )


def test_soak(variants: dict[str, Path], pytestconfig: pytest.Config, tables: Tables) -> None:
    """Neither memory nor the age of results grows from the second third to the last."""
    seconds, used_mb, ages_ms = 60 * pytestconfig.option.soak_minutes, [], []
    with Engine(EdgeConfig(source="demo", model=str(variants["int8"]), playback="fast", fps=0)) as engine:
        for _, result in engine.results(seconds=seconds):
            used_mb.append(memory_mb())
            ages_ms.append(result.age_ms)
    assert len(used_mb) >= 3, f"Expected enough frames to judge. Received: {len(used_mb)} in {seconds} s"
    grown_mb, older_ms = growth(used_mb), growth(ages_ms)
    tables.add("Soak", minutes=seconds / 60, frames=len(used_mb), grown_mb=grown_mb, older_ms=older_ms)
    assert grown_mb < 3
    assert older_ms < 500, "what queues up grows without end; a busy machine adds less"


def growth(values: list[float]) -> float:
    """The median of the last third minus that of the third before."""
    third = len(values) // 3
    return float(np.median(values[-third:]) - np.median(values[-2 * third : -third]))
