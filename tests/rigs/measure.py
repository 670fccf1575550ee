"""The engine's promises in figures: how stale, how much processor and memory, how much flicker.

python -m tests.rigs.measure staleness --seconds 60
python -m tests.rigs.measure processor --seconds 20 --detector blazeface
python -m tests.rigs.measure memory --frames 200000
python -m tests.rigs.measure flicker
"""

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from edge.config import EdgeConfig
from edge.engine import Engine
from edge.results import Frame
from edge.sources import DemoSource
from tests.rigs.clips import age_ms
from tests.rigs.faults import EdgeProcess, ServerRig, create_rig, free_port

PATCH = 16
"""The side of a patch of flickering light in pixels: finer noise hides the face before it changes the label."""
SLOW_S = 0.1


@contextmanager
def clock_camera() -> Iterator[str]:
    """The address of a camera of 30 images per second that show the time."""
    port = free_port()
    rig = ServerRig(
        [sys.executable, "-m", "tests.rigs.mjpeg_server", str(port), "--clock"], f"http://127.0.0.1:{port}/", port
    )
    rig.revive()
    try:
        yield rig.source
    finally:
        rig.kill()


def staleness_ms(seconds: float) -> list[int]:
    """How old images are, by the clock in them, when a consumer that needs 100 ms for each is done with them."""
    ages_ms = []
    with clock_camera() as source, Engine(EdgeConfig(source=source)) as engine:
        for frame, _ in engine.results(seconds=seconds):
            time.sleep(SLOW_S)
            ages_ms.append(age_ms(frame.image))
    return ages_ms


def plain_staleness_ms(seconds: float) -> list[int]:
    """The same of a loop without a thread: read, work, read."""
    ages_ms = []
    with clock_camera() as source:
        capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG)
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            image = capture.read()[1]
            time.sleep(SLOW_S)
            ages_ms.append(age_ms(image))  # type: ignore[arg-type]
        capture.release()
    return ages_ms


class Use(NamedTuple):
    """What a run takes."""

    share: float
    """Of one core."""
    fps: float
    """Processed frames per second: on a busy machine fewer than were asked for, and a share that says nothing."""


def processor_use(seconds: float, *options: str) -> Use:
    """What the command uses on a 30 fps webcam, after its start."""
    with tempfile.TemporaryDirectory() as folder:
        rig = create_rig("v4l2", Path(folder))
        rig.revive()
        with EdgeProcess("--source", rig.source, *options, environment=rig.environment) as edge:
            edge.next_line(30)
            time.sleep(1)
            before_s, started_s = _processor_s(edge.process.pid), time.monotonic()
            lines = edge.lines_for(seconds)
            used_s, took_s = _processor_s(edge.process.pid) - before_s, time.monotonic() - started_s
            edge.terminate()
    return Use(used_s / took_s, sum(arrived_s >= started_s for arrived_s, _ in lines) / took_s)


def memory_mb(frames: int, step: int = 1000) -> list[float]:
    """Resident memory after each `step` frames of the demo."""
    megabytes = []
    with Engine(EdgeConfig(source="demo", playback="fast")) as engine:
        for number, _ in enumerate(itertools.islice(engine.results(), frames), 1):
            if number % step == 0:
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
    return megabytes


def label_changes(frames: int, **options: float) -> int:
    """How often the label of the demo's face changes in the dark, in patches of flickering light, 15 times a second."""
    engine, demo, random = Engine(EdgeConfig(fps=0, **options)), DemoSource(), np.random.default_rng(0)  # type: ignore[arg-type]
    width, height = DemoSource.size
    labels = []
    for index in range(frames):
        patches = random.normal(0, 40, (height // PATCH, width // PATCH, 1))
        noisy = demo.image(2 * index) * 0.6 + np.kron(patches, np.ones((PATCH, PATCH, 1)))
        frame = Frame.now(np.clip(noisy, 0, 255).astype(np.uint8), index, position_s=index / 15)
        result = engine.push(frame)
        labels += [face.emotion for face in result.faces[:1]] if result else []
    return sum(one != other for one, other in itertools.pairwise(labels))


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _describe(ages_ms: list[int]) -> str:
    third = len(ages_ms) // 3
    first, last = np.median(ages_ms[:third]), np.median(ages_ms[-third:])
    p50, p95 = np.percentile(ages_ms, (50, 95))
    return f"p50 {p50:.0f} ms, p95 {p95:.0f} ms; median of the first third {first:.0f}, of the last {last:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("staleness", "processor", "memory", "flicker"))
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--detector", default="blazeface")
    arguments = parser.parse_args()
    if arguments.what == "staleness":
        print("engine:", _describe(staleness_ms(arguments.seconds)))
        print("plain loop:", _describe(plain_staleness_ms(min(10.0, arguments.seconds))))
    elif arguments.what == "processor":
        use = processor_use(arguments.seconds, "--detector", arguments.detector)
        print(f"{arguments.detector}, {use.fps:.1f} of 30 frames per second: {use.share:.1%} of one core")
    elif arguments.what == "flicker":
        plain = label_changes(300, classify_every=1, smoothing_s=0, hysteresis=0, threshold=0)
        print(f"label changes in 20 s of noise: {plain} unsmoothed, {label_changes(300, threshold=0)} smoothed")
    else:
        megabytes = memory_mb(arguments.frames)
        print(f"resident after 5,000 frames {megabytes[4]:.1f} MB, after {arguments.frames:,} {megabytes[-1]:.1f} MB")


if __name__ == "__main__":
    main()
