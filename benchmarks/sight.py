"""Measure how far detectors see: recall, false boxes and time by face height, for each detector and frame size.

python -m benchmarks.sight --photos DIR    # photographs of one head each, and their heads.json
python -m benchmarks.sight                 # only the demo's portrait

A head is pasted into a plain or textured frame, which becomes a film of 15 frames per second with grain. The head
counts as found if a box overlaps it in one of the last five frames; any other box in any frame is a false one.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import matplotlib

from benchmarks import heads as photographs
from benchmarks.heads import FPS, LAST, Head
from benchmarks.scenes import Scene
from benchmarks.tables import Row, to_markdown
from edge.boxes import overlap
from edge.command_line import CommandParser, quiet_native_code, run_command
from edge.config import DETECTORS as CHOICES
from edge.config import EdgeConfig
from edge.pipeline import Pipeline

matplotlib.use("Agg")
from matplotlib import pyplot as plt

HEIGHTS = (32, 40, 50, 64, 80, 100, 130, 180, 300)
SIZES = {"640x480": 20, "1280x720": 30, "1920x1080": 30}
"""The number of frames of a film by frame size: searching large frames takes longer."""
DETECTORS = ("auto", "blazeface-short-range", "haar")
GROUPS = {4: (800, 600), 12: (1280, 960), 20: (1600, 1200), 48: (2560, 1440)}
"""The size of a group photo by the number of heads."""
FOUND = 0.3
"""A box with at least this overlap is the face."""


@dataclass(frozen=True)
class Sight:
    """How well a detector sees faces of one height in frames of one size."""

    detector: str
    size: str
    height: int
    photos: int
    recall: float
    false_boxes: float
    """Per frame."""
    cpu_ms: float
    """Processor time per frame of the whole pipeline."""

    @property
    def core_share(self) -> float:
        """The load at 15 frames per second, as a share of one core."""
        return self.cpu_ms * FPS / 1000


@dataclass
class _Film:
    """The result of one film."""

    found: bool = False
    false_boxes: int = 0
    cpu_s: float = 0.0


def watch(pipeline: Pipeline, scene: Scene, frames: int, seed: int = 0) -> _Film:
    """Process the scene's film with a new pipeline."""
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
    """Measure all heads at one height; the networks are loaded once."""
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
    """Measure every combination; faces that would fill most of the frame are left out."""
    for detector in detectors:
        for size in sizes:
            for height in heights:
                if height < 0.7 * int(size.split("x")[1]):
                    yield measure(EdgeConfig(source="film", detector=detector), heads, size, height, SIZES[size])


def measure_groups(heads: Sequence[Head], seeds: int = 3) -> list[dict[str, object]]:
    """Measure group photos with `GROUPS` heads: how many are found, and how many boxes are false or duplicates."""
    pipeline, rows = Pipeline(EdgeConfig(source="photo")), []
    for count, size in GROUPS.items():
        found = extra = 0
        for seed in range(seeds):
            chosen = [heads[(seed * count + index) % len(heads)] for index in range(count)]
            scene = photographs.group_of(chosen, (40, 120), size, seed)
            still = replace(next(photographs.film(scene, 1, seed)), is_still=True)
            boxes = [face.box for face in pipeline.process(still).faces]
            seen = sum(any(overlap(box, true) > FOUND for box in boxes) for true in scene.boxes)
            found, extra = found + seen, extra + len(boxes) - seen
        rows.append({"heads": count, "photo": f"{size[0]}x{size[1]}", "found": found / (count * seeds), "extra": extra})
    return rows


def table(rows: Sequence[Sight]) -> list[Row]:
    """The rows of the table for people."""
    return [
        {
            "detector": row.detector,
            "frame": row.size,
            "face px": row.height,
            "recall": row.recall,
            "false boxes per frame": row.false_boxes,
            "CPU ms per frame": row.cpu_ms,
            "of a core at 15/s": f"{row.core_share:.0%}",
        }
        for row in rows
    ]


def draw(rows: Sequence[Sight], path: Path) -> None:
    """Plot recall by face height: one panel per frame size, one line per detector."""
    sizes = list(dict.fromkeys(row.size for row in rows))
    figure, panels = plt.subplots(1, len(sizes), figsize=(5 * len(sizes), 4), sharey=True, squeeze=False)
    for panel, size in zip(panels[0], sizes, strict=True):
        for detector in dict.fromkeys(row.detector for row in rows):
            points = [(row.height, row.recall) for row in rows if (row.detector, row.size) == (detector, size)]
            panel.plot(*zip(*points, strict=True), marker="o", label=detector)
        panel.set(xscale="log", xlabel="face height, pixels", title=size)
        panel.set_xticks([row.height for row in rows if row.size == size], minor=False)
        panel.xaxis.set_major_formatter("{x:g}")
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    panels[0][0].set(ylabel="share of faces found", ylim=(0, 1.05))
    panels[0][0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = CommandParser("python -m benchmarks.sight", description=__doc__)
    parser.add_argument(
        "--photos", type=Path, help="folder with photographs and heads.json (default: the demo's portrait)"
    )
    parser.add_argument("--detectors", nargs="+", default=DETECTORS, choices=CHOICES, help="the detectors to compare")
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES), help="frame sizes")
    parser.add_argument("--heights", nargs="+", type=int, default=HEIGHTS, help="face heights in pixels")
    parser.add_argument("--count", type=int, default=0, help="use only so many photographs; 0: all")
    parser.add_argument("--out", type=Path, default=Path("runs/sight"), help="folder for sight.png and sight.json")
    arguments = parser.parse_args(argv)
    return run_command(lambda: _main(arguments))


def _main(arguments: argparse.Namespace) -> int:
    heads = photographs.load_heads(arguments.photos)[: arguments.count or None]
    rows = []
    with quiet_native_code():
        for row in measure_all(heads, arguments.detectors, arguments.sizes, arguments.heights):
            rows.append(row)
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()
        groups = measure_groups(heads)
    draw(rows, arguments.out / "sight.png")
    (arguments.out / "sight.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    sys.stdout.write(f"\n{to_markdown(table(rows))}\n\n{to_markdown(groups)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
