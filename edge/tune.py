"""Find the best options for THIS device: the fastest runtime, variant and threads, and a detector.

python -m edge.tune            # under a minute; prints a table and writes the best
python -m edge.tune --dry-run  # prints only
"""

if __name__ == "__main__":  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.interrupts import end_quietly

    end_quietly()

import argparse
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from edge.command_line import CommandParser, quiet_native_code, run_command
from edge.config import DEVICE_FILE_VARIABLE, VARIANTS, EdgeConfig, device_file
from edge.detectors import create_detector
from edge.errors import ConfigError, EmotionError, SinkError
from edge.files import replacing
from edge.interpreter import EmotionClassifier
from edge.results import BgrImage
from edge.runtimes import installed_runtimes
from edge.sources import PORTRAIT

CLOSE_ENOUGH = 1.1
"""Candidates within this factor of the fastest count as equal; the first, simpler or more accurate, is taken."""
FACE_HEIGHTS = (40, 50, 64, 80, 100, 130)
"""Heights of the test faces in pixels: somebody at one meter, and somebody at three."""
PORTRAIT_FACE_PX = 110
"""Height in pixels of the face in the demo's portrait."""


@dataclass(frozen=True)
class Measurement:
    """The median time of one candidate."""

    what: str
    options: dict[str, str | int]
    milliseconds: float
    seen: float = 1.0
    """The share of the faces that a detector finds."""


def median_ms(call: Callable[[], object], seconds: float) -> float:
    """Measure the median time of a call over `seconds`, after a warm-up."""
    for _ in range(3):
        call()
    times_ms: list[float] = []
    end_s = time.perf_counter() + seconds
    while not times_ms or time.perf_counter() < end_s:
        started_s = time.perf_counter()
        call()
        times_ms.append((time.perf_counter() - started_s) * 1000)
    return statistics.median(times_ms)


def measure_classifiers(seconds: float, delegate: str = "") -> list[Measurement]:
    """Measure every bundled variant in every installed runtime, with one thread and with one per core.

    With a `delegate`, only those variants that it can run.
    """
    variants = [name for name in VARIANTS if EdgeConfig(model=name).model_path.is_file()]
    thread_counts = sorted({1, min(os.cpu_count() or 1, 4)})
    measurements = []
    for threads, variant, runtime in itertools.product(thread_counts, variants, installed_runtimes()):
        classifier = EmotionClassifier(EdgeConfig(model=variant).model_path, runtime, threads, delegate=delegate)
        if classifier.delegate != delegate:
            continue
        width, height = classifier.info.input_size
        faces = np.random.default_rng(0).integers(0, 256, (1, height, width, 1), np.uint8)
        options: dict[str, str | int] = {"model": variant, "runtime": runtime, "threads": threads}
        options |= {"delegate": delegate} if delegate else {}
        measurements.append(Measurement("classify", options, median_ms(partial(classifier.predict, faces), seconds)))
    return measurements


def measure_detectors(seconds: float, delegate: str = "") -> list[Measurement]:
    """Measure for each bundled detector the time to search a frame, and how many of the demo's faces it finds.

    With a `delegate`, their networks run in it if it can run them.
    """
    frames = [portrait_at(height) for height in FACE_HEIGHTS]
    measurements = []
    for name in ("blazeface", "blazeface-short-range", "haar"):
        try:
            detector = create_detector(EdgeConfig(detector=name, delegate=delegate))
        except ConfigError:
            continue  # its file, or an OpenCV that has it, is not on this device
        seen = sum(len(detector.detect(frame)) == 1 for frame in frames) / len(frames)
        time_ms = median_ms(partial(detector.detect, frames[0]), seconds)
        options: dict[str, str | int] = {"detector": name, **({"delegate": delegate} if delegate else {})}
        measurements.append(Measurement("detect", options, time_ms, seen))
    return measurements


def portrait_at(face_height: int) -> BgrImage:
    """A 640x480 frame with the demo's portrait, whose face is `face_height` pixels high."""
    portrait = cv2.imread(str(PORTRAIT))
    side = round(portrait.shape[0] * face_height / PORTRAIT_FACE_PX)
    frame = np.full((480, 640, 3), 110, np.uint8)
    frame[60 : 60 + side, 90 : 90 + side] = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
    return frame


def best(measurements: Sequence[Measurement]) -> Measurement:
    """The first that is about as fast as the fastest, among those that see most: a fast detector may be blind."""
    if not measurements:
        raise EmotionError("Expected a bundled model and an installed runtime to measure. Received: none")
    most = max(measurement.seen for measurement in measurements)
    seeing = [measurement for measurement in measurements if measurement.seen == most]
    limit_ms = CLOSE_ENOUGH * min(measurement.milliseconds for measurement in seeing)
    return next(measurement for measurement in seeing if measurement.milliseconds <= limit_ms)


def best_pair(measured: Sequence[Sequence[Sequence[Measurement]]]) -> list[Measurement]:
    """The best classifier and detector, either both without the delegate or both with it."""
    takes = [measured[0], *(each for each in measured[1:] if all(each))]
    pairs = [[best(one) for one in together] for together in takes]
    return min(pairs, key=lambda pair: sum(one.milliseconds for one in pair))


def format_table(measurements: Sequence[Measurement], chosen: Sequence[Measurement]) -> str:
    """The table: a row for each candidate, with a star at the chosen ones."""
    rows = [
        f"{'*' if measurement in chosen else ' '} {measurement.what:<9}"
        f"{' '.join(f'{name}={value}' for name, value in measurement.options.items()):<44}"
        f"{measurement.milliseconds:9.2f} ms"
        f"{f'  sees {measurement.seen:.0%}' if measurement.what == 'detect' else ''}"
        for measurement in measurements
    ]
    return "\n".join(rows) + "\n"


def write_device_file(path: Path, chosen: Sequence[Measurement]) -> None:
    """Write the chosen options, whole or not at all."""
    options = {name: value for measurement in chosen for name, value in measurement.options.items()}
    text = json.dumps({"options": options, "measured": [asdict(each) for each in chosen]}, indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_text(text)
    except OSError as error:
        raise SinkError(f"Expected to write this device's defaults to {path}. Received: {error}") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    return run_command(lambda: _tune(build_parser().parse_args(argv)))


def build_parser() -> CommandParser:
    """Every option of the command, with its default."""
    parser = CommandParser(
        "python -m edge.tune", description="Measure what is fastest on this device and make it the default."
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="how long to measure each candidate")
    parser.add_argument("--delegate", default="", help="also measure an accelerator's delegate: FILE,key=value,…")
    parser.add_argument("--dry-run", action="store_true", help="print the table, but write nothing")
    parser.add_argument(
        "--out", type=Path, default=device_file(), help=f"file to write; {DEVICE_FILE_VARIABLE} sets it"
    )
    return parser


def _measure(seconds: float, delegate: str) -> list[list[Measurement]]:
    return [measure_classifiers(seconds, delegate), measure_detectors(seconds, delegate)]


def _tune(arguments: argparse.Namespace) -> int:
    if not arguments.dry_run and arguments.out is None:
        raise ConfigError(f"Expected a file to write, --out or ${DEVICE_FILE_VARIABLE}. Received: a user without home")
    with quiet_native_code():
        measured = [_measure(arguments.seconds, delegate) for delegate in dict.fromkeys(("", arguments.delegate))]
    chosen = best_pair(measured)
    sys.stdout.write(format_table(list(itertools.chain.from_iterable(itertools.chain(*measured))), chosen))
    if not arguments.dry_run:
        write_device_file(arguments.out, chosen)
        sys.stdout.write(f"written to {arguments.out}: the defaults of this device from now on\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
