"""Analyze an archive of films and photos with all cores: `python -m edge.batch videos/ --out results/`.

Each film and photo gets a file of JSON lines in the same place below `--out`, whole or not at all: after an
interruption, a new run skips the files that are done. `--out` may be the archive itself. The lines hold nothing that
differs from run to run (no ages, no times of stages), so the same files give the same bytes.
"""

if __name__ == "__main__":  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.interrupts import end_quietly

    end_quietly()

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from edge.batch_engines import ENGINES
from edge.command_line import EXIT_FAILED, CommandParser, quiet_native_code, run_command, say
from edge.config import EdgeConfig, add_arguments
from edge.detectors import Detector, create_detector
from edge.engine import Engine
from edge.errors import EmotionError, SinkError, SourceError
from edge.files import is_file, replacing
from edge.media_type import FOREIGN_SUFFIXES, FOREIGN_TYPES, MOVING_TYPES, PHOTO_TYPES, type_at
from edge.photos import IMAGE_SUFFIXES, SHOWN_NAMES
from edge.pipeline import Classifier, create_classifier
from edge.results import Frame, FrameResult, Timings
from edge.schema import to_json
from edge.version import identity

SHARED = ("model", "scores", "runtime", "delegate", "detector", "detector_model", "min_face", "detect_every")
OWN = ("classify_every", "max_faces", "smoothing_s", "hysteresis", "threshold", "min_quality", "rotate", "mirror")
MEDIA_TYPES = PHOTO_TYPES | MOVING_TYPES | {"AVI", "MP4", "Matroska"} | FOREIGN_TYPES - {"PDF", "SVG"}
_FILM_SUFFIXES = (
    ".264 .265 .3g2 .3gp .asf .avi .divx .dv .f4v .flv .gif .h264 .h265 .hevc .ivf .m2ts .m2v .m4v .mjpeg .mjpg .mkv "
    ".mov .mp4 .mpeg .mpg .mts .mxf .ogv .rm .rmvb .ts .vob .webm .wmv .y4m"
)
MEDIA_SUFFIXES = IMAGE_SUFFIXES | FOREIGN_SUFFIXES | frozenset(_FILM_SUFFIXES.split())
"""A file with such a name counts as a film or photo even if its content is damaged or of an unknown type."""
WIDTH = 30
"""Width of the progress bar in characters."""


class Job(NamedTuple):
    """A file and where its results go."""

    path: Path
    out: Path
    config: EdgeConfig


class Outcome(NamedTuple):
    """What became of a file."""

    path: Path
    frames: int = 0
    error: str = ""


def find_jobs(folder: Path, out: Path, config: EdgeConfig) -> list[Job]:
    """The films and photos below `folder` (or the one file), in the order of their names.

    Raises:
        SinkError: there is no such folder.
        SourceError: there are no films or photos in it.
    """
    if not folder.exists():
        raise SinkError(f"Expected a folder of films and photos. Received: {folder}")
    if folder.is_file():
        return [_job(folder, folder.parent, out, config)]
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    jobs = [_job(path, folder, out, config) for path in paths if _is_media(path)]
    known = {os.path.realpath(path) for job in jobs for path in (job.path, job.out)}
    _tell_left_out(folder, [path for path in paths if os.path.realpath(path) not in known])
    if not jobs:
        raise SourceError(f"Expected films or photos in {folder}. Received: none")
    return jobs


def _job(path: Path, root: Path, out: Path, config: EdgeConfig) -> Job:
    return Job(path, out / f"{path.relative_to(root)}.jsonl", config)


def _is_media(path: Path) -> bool:
    """Whether a file has the name or the content of a film or photo."""
    try:
        return path.suffix.lower() in MEDIA_SUFFIXES or type_at(path) in MEDIA_TYPES
    except OSError:
        return False


def _tell_left_out(folder: Path, others: Sequence[Path]) -> None:
    if others:
        names = ", ".join(str(path.relative_to(folder)) for path in others[:SHOWN_NAMES])
        more = f" and {len(others) - SHOWN_NAMES} more" if len(others) > SHOWN_NAMES else ""
        say(f"{len(others)} files left out of {folder}, since they are no films or photos: {names}{more}")


def process(job: Job) -> Outcome:
    """Write the results of one file; an error becomes part of the outcome."""
    frames = 0
    try:
        job.out.parent.mkdir(parents=True, exist_ok=True)
        with quiet_native_code(), replacing(job.out) as part, part.open("w") as file:
            for line in _lines(job):
                file.write(json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n")
                frames += 1
    except (EmotionError, OSError) as error:
        return Outcome(job.path, frames, " ".join(str(error).split()))
    return Outcome(job.path, frames)


def _lines(job: Job) -> Iterator[dict[str, object]]:
    config = replace(job.config, source=str(job.path.resolve()), playback="fast")
    detector, classifier = _networks(job.config)
    begun_s, first = job.path.stat().st_mtime, identity(config)
    with Engine(config, detector, classifier) as engine:
        for frame, result in engine.results():
            line = to_json(_without_run(frame, result, job.path.name, begun_s), config.device)
            yield line | first
            first = {}
        if failed := engine.counts()["failed"]:
            raise SinkError(f"Expected {job.path} to be read. Received: {failed} spots that can't be")


def _without_run(frame: Frame, result: FrameResult, name: str, begun_s: float) -> FrameResult:
    """The result without what differs from run to run; its time comes from the file."""
    moment_s = begun_s + (frame.position_s or 0.0)
    return replace(result, captured_at=moment_s, age_ms=0.0, timings=Timings(), source=name)


class _Networks:
    """The networks of this process, loaded when it gets its first file."""

    config: EdgeConfig | None = None
    loaded: tuple[Detector, Classifier]


def _networks(config: EdgeConfig) -> tuple[Detector, Classifier]:
    if config != _Networks.config:
        _Networks.loaded = create_detector(config), create_classifier(config)
        _Networks.config = config
    return _Networks.loaded


class Progress:
    """A progress bar on a terminal; elsewhere a line now and then."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._started_s = self._said_s = time.monotonic()

    def step(self) -> None:
        """Count one more file as done."""
        self._done += 1
        now_s = time.monotonic()
        left_s = (now_s - self._started_s) / self._done * (self._total - self._done)
        text = f"{self._done} of {self._total} files, {left_s / 60:.0f} min left"
        if sys.stderr.isatty():
            bar = "#" * (WIDTH * self._done // self._total)
            sys.stderr.write(f"\r[{bar:<{WIDTH}}] {text}" + ("\n" if self._done == self._total else "\x1b[K"))
            sys.stderr.flush()
        elif now_s - self._said_s > 30 or self._done == self._total:
            self._said_s = now_s
            say(text)


def work(jobs: Sequence[Job], outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Collect all outcomes, print each failure as it comes, and show the progress."""
    progress, all_of_them = Progress(len(jobs)), []
    for outcome in outcomes:
        all_of_them.append(outcome)
        if outcome.error:
            say(f"{outcome.path}: {outcome.error}")
        progress.step()
    return all_of_them


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if is_file(arguments.out):
        parser.error(f"Expected a folder for --out. Received: {arguments.out}, a file")
    options = {name: getattr(arguments, name) for name in (*SHARED, *OWN)}
    config = parser.checked(lambda: EdgeConfig(**options))
    return run_command(lambda: _main(arguments, config))


def build_parser() -> CommandParser:
    """Every option of the command, with its default."""
    parser = CommandParser("python -m edge.batch", description="Work through an archive of films and photos.")
    parser.add_argument("folder", type=Path, help="folder with films and photos, or one file")
    parser.add_argument("--out", type=Path, required=True, help="folder for results; files with results are skipped")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="how many files to process at a time")
    parser.add_argument("--engine", choices=tuple(ENGINES), default="local", help="local, or ray: on a Ray cluster")
    add_arguments(parser, (*SHARED, *OWN))
    return parser


def _main(arguments: argparse.Namespace, config: EdgeConfig) -> int:
    found = find_jobs(arguments.folder, arguments.out, config)
    jobs = [job for job in found if not job.out.exists()]
    if len(jobs) < len(found):
        say(f"{len(found) - len(jobs)} files have their results already")
    started_s = time.monotonic()
    outcomes = work(jobs, ENGINES[arguments.engine](process, jobs, max(1, arguments.workers), _died))
    failed = sum(bool(outcome.error) for outcome in outcomes)
    frames = sum(outcome.frames for outcome in outcomes)
    say(f"{len(jobs) - failed} files, {frames} frames in {time.monotonic() - started_s:.1f} s; {failed} files failed")
    return EXIT_FAILED if failed else 0


def _died(job: Job) -> Outcome:
    return Outcome(job.path, 0, "the process died of it")


if __name__ == "__main__":
    sys.exit(main())
