"""How many streams one process carries, and whether it stays as it is for long (`--soak-minutes 60`)."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from benchmarks.machine import memory_mb
from benchmarks.peers.measure import write_clip
from benchmarks.tables import Tables
from edge.config import EdgeConfig
from edge.results import Frame, FrameResult
from edge.run import Limits, run

STREAMS = (1, 2, 4, 8, 16, 32)
"""More than eight only as long as no frames drop."""
FPS = 30.0
"""Of each stream: the clip's own rate."""
SECONDS = 3.0
CARRIED = 0.9
"""Share of the frames below which frames drop; what is missing above is the start."""


class Load(NamedTuple):
    """One row of the table."""

    streams: int
    frames_carried: float
    """Share of all streams' frames that were processed in their time."""
    age_p95_ms: float
    cpu_cores: float
    cpu_ms_a_frame: float
    memory_mb: float


@dataclass
class MemorySink:
    """Notes the process' memory and the results' age as they come."""

    memory_mb: list[float] = field(default_factory=list)
    age_ms: list[float] = field(default_factory=list)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Take one result."""
        self.age_ms.append(result.age_ms)
        self.memory_mb.append(memory_mb())

    def close(self) -> None:
        """Nothing to finish."""


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
    """Cost a frame must not grow with the streams; how many are carried depends on the machine: see the table."""
    loads: dict[int, Load] = {}
    for streams in STREAMS:
        loads[streams] = load = load_of(variants["int8"], clips[:streams])
        tables.add(f"Streams of {FPS:.0f} frames a second in one process, {SECONDS:.0f} s each", **load._asdict())
        if streams >= 8 and load.frames_carried < CARRIED:
            break
    assert loads[8].cpu_ms_a_frame < 2 * loads[1].cpu_ms_a_frame
    assert (loads[8].memory_mb - loads[1].memory_mb) / 7 < 15


def load_of(model: Path, clips: list[str]) -> Load:
    """What the clips cost, played at their own speed."""
    sink, cpu_s = MemorySink(), time.process_time()
    summary = run(EdgeConfig(source=tuple(clips), model=str(model)), [sink], limits=Limits(seconds=SECONDS))
    cpu_s = time.process_time() - cpu_s
    return Load(
        streams=len(clips),
        frames_carried=summary.frames / (len(clips) * FPS * SECONDS),
        age_p95_ms=summary.age_ms.p95,
        cpu_cores=cpu_s / summary.seconds,
        cpu_ms_a_frame=cpu_s / summary.frames * 1e3,
        memory_mb=sink.memory_mb[-1],
    )


def test_soak(variants: dict[str, Path], pytestconfig: pytest.Config, tables: Tables) -> None:
    """Neither memory nor the age of results grows from the second third to the last."""
    seconds, sink = 60 * pytestconfig.option.soak_minutes, MemorySink()
    config = EdgeConfig(source="demo", model=str(variants["int8"]), playback="fast", fps=0)
    summary = run(config, [sink], limits=Limits(seconds=seconds))
    assert len(sink.memory_mb) >= 3, f"Expected enough frames to judge. Received: {summary.frames} in {seconds} s"
    grown_mb, older_ms = growth(sink.memory_mb), growth(sink.age_ms)
    tables.add("Soak", minutes=seconds / 60, frames=summary.frames, grown_mb=grown_mb, older_ms=older_ms)
    assert grown_mb < 3
    assert older_ms < 500, "what queues up grows without end; a busy machine adds less"


def growth(values: list[float]) -> float:
    """The median of the last third less that of the third before."""
    third = len(values) // 3
    return float(np.median(values[-third:]) - np.median(values[-2 * third : -third]))
