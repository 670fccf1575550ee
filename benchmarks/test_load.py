"""How many streams one process carries, and whether it stays as it is for long (`--soak-minutes 60`)."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from benchmarks.machine import memory_mb
from benchmarks.peers.measure import write_clip
from benchmarks.tables import Tables
from edge.config import EdgeConfig
from edge.results import Frame, FrameResult
from edge.run import Limits, run

STREAMS = (1, 2, 4, 8)
FPS = 30.0
"""Of each stream: the clip's own rate."""
SECONDS = 3.0


@dataclass
class MemorySink:
    """Notes the process' memory and the results' age as they come."""

    memory_mb: list[float] = field(default_factory=list)
    age_ms: list[float] = field(default_factory=list)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Take one result."""
        self.age_ms.append(result.age_ms)
        if len(self.age_ms) % 5 == 0:
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
    cpu_ms: dict[int, float] = {}
    memory: dict[int, float] = {}
    for streams in STREAMS:
        sink, cpu_s = MemorySink(), time.process_time()
        config = EdgeConfig(source=tuple(clips[:streams]), model=str(variants["int8"]))
        summary = run(config, [sink], limits=Limits(seconds=SECONDS))
        cpu_s = time.process_time() - cpu_s
        cpu_ms[streams], memory[streams] = cpu_s / summary.frames * 1e3, sink.memory_mb[-1]
        tables.add(
            f"Streams of {FPS:.0f} frames a second in one process, {SECONDS:.0f} s each",
            streams=streams,
            frames_carried=summary.frames / (streams * FPS * SECONDS),
            age_p95_ms=summary.age_ms.p95,
            cpu_cores=cpu_s / summary.seconds,
            cpu_ms_a_frame=cpu_ms[streams],
            memory_mb=memory[streams],
        )
    assert cpu_ms[8] < 2 * cpu_ms[1]
    assert (memory[8] - memory[1]) / 7 < 15


def test_soak(variants: dict[str, Path], pytestconfig: pytest.Config, tables: Tables) -> None:
    """Memory after the first third stays; so does the age of results."""
    seconds, sink = 60 * pytestconfig.option.soak_minutes, MemorySink()
    config = EdgeConfig(source="demo", model=str(variants["int8"]), pace="fast", fps=0)
    summary = run(config, [sink], limits=Limits(seconds=seconds))
    third = len(sink.memory_mb) // 3
    grown_mb = float(np.median(sink.memory_mb[-third:]) - np.median(sink.memory_mb[third : 2 * third]))
    tables.add("Soak", minutes=seconds / 60, frames=summary.frames, grown_mb=grown_mb, age_p99_ms=summary.age_ms.p99)
    assert third >= 1, f"Expected enough frames to judge. Received: {summary.frames} in {seconds} s"
    assert grown_mb < 3
