"""Who is seen: recall and false boxes by face height, with time, for each detector and frame size.

python -m benchmarks.sight --photos DIR    # photographs of one head each and their heads.json
python -m benchmarks.sight                 # the demo's portrait alone

A head is pasted into a plain or textured frame, filmed at 15 frames per second with grain. It counts as found if a box
overlaps it in one of the last five frames; every other box of any frame is a false one.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from benchmarks import heads as photographs
from benchmarks.heads import FPS, Head
from benchmarks.scenes import Scene, overlap
from benchmarks.tables import to_markdown
from edge.command_line import CommandParser, quiet_native_code, run_command
from edge.config import EdgeConfig
from edge.errors import ConfigError
from edge.pipeline import Pipeline
from edge.results import Box

HEIGHTS = (32, 40, 50, 64, 80, 100, 130, 180, 300)
SIZES = {"640x480": 20, "1280x720": 30, "1920x1080": 30}
"""Frame size to frames of a film: large frames have more to search."""
DETECTORS = ("auto", "blazeface-short-range", "haar")
LAST = 5
FOUND = 0.3
"""Overlap from which a box is the face."""


@dataclass(frozen=True)
class Sight:
    """What a detector sees of faces of one height in frames of one size."""

    detector: str
    size: str
    height: int
    photos: int
    recall: float
    false_boxes: float
    """Per frame."""
    cpu_ms: float
    """Processor time per frame, all that the pipeline does."""

    @property
    def core_share(self) -> float:
        """Of one core at 15 frames per second."""
        return self.cpu_ms * FPS / 1000


@dataclass
class _Film:
    """One film's outcome."""

    found: bool = False
    false_boxes: int = 0
    cpu_s: float = 0.0


def watch(pipeline: Pipeline, scene: Scene, frames: int, seed: int = 0) -> _Film:
    """Show the scene's film to a new pipeline."""
    outcome = _Film()
    for frame in photographs.film(scene, frames, seed):
        started_s = time.process_time()
        boxes = [face.box for face in pipeline.process(frame).faces]
        outcome.cpu_s += time.process_time() - started_s
        hits = [any(overlap(box, true) > FOUND for true in scene.boxes) for box in boxes]
        outcome.found |= frame.index >= frames - LAST and any(hits)
        outcome.false_boxes += len(hits) - sum(hits)
    return outcome


def measure(config: EdgeConfig, heads: Sequence[Head], size: str, height: int, frames: int) -> Sight:
    """All heads at one height; the networks are loaded once."""
    first = Pipeline(config)
    width, rows = map(int, size.split("x"))
    outcomes = []
    for number, head in enumerate(heads):
        pipeline = Pipeline(config, first.detector, first.classifier)
        scene = photographs.scene_of(head, height, (width, rows), 1000 * height + number)
        outcomes.append(watch(pipeline, scene, frames, number))
    shown = len(heads) * frames
    return Sight(
        detector=config.detector,
        size=size,
        height=height,
        photos=len(heads),
        recall=sum(outcome.found for outcome in outcomes) / len(heads),
        false_boxes=sum(outcome.false_boxes for outcome in outcomes) / shown,
        cpu_ms=sum(outcome.cpu_s for outcome in outcomes) / shown * 1000,
    )


def measure_all(
    heads: Sequence[Head], detectors: Sequence[str], sizes: Sequence[str], heights: Sequence[int]
) -> Iterator[Sight]:
    """Every combination in turn; a face that is higher than the frame is left out."""
    for detector in detectors:
        for size in sizes:
            for height in heights:
                if height < 0.7 * int(size.split("x")[1]):
                    yield measure(EdgeConfig(source="film", detector=detector), heads, size, height, SIZES[size])
