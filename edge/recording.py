"""Sinks that keep: a CSV table, an annotated video, a folder of images.

Each makes its file with the first result, so that a run that never starts leaves nothing behind.
"""

import csv
import re
import shutil
from pathlib import Path
from typing import Any, TextIO

import cv2

from edge.annotate import draw
from edge.errors import SinkError
from edge.results import Face, Frame, FrameResult
from edge.sinks import checked_place, open_at_end

FREE_BYTES = 50_000_000
"""OpenCV's writers are silent when the disk is full: below this they are not asked."""
OWN_NAMES = re.compile(r"\d+\.\d{3}_[^.]*\.jpg")
"""Snapshots are named by their moment, 1795366275.646_happy.jpg; other images in the folder are left alone."""


class CsvSink:
    """A row for each face of each frame, behind those that are there."""

    head = ("captured_at", "position_s", "source", "frame_index", "track_id", "x", "y", "width", "height")
    tail = ("emotion", "confidence", "certainty", "intensity", "valence", "arousal")

    def __init__(self, path: Path) -> None:
        self._path = checked_place(path)
        self._file: TextIO | None = None

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Write the rows of one frame."""
        try:
            for face in result.faces:
                self._write_row(result, face)
            if self._file:
                self._file.flush()
        except OSError as error:
            raise SinkError(f"Expected to write rows to {self._path}. Received: {error}") from error

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    def _write_row(self, result: FrameResult, face: Face) -> None:
        scores = face.scores.as_dict()
        if self._file is None:
            self._file = open_at_end(self._path)
            if not self._path.stat().st_size:
                csv.writer(self._file).writerow([*self.head, *self.tail, *scores])
        position_s = "" if result.position_s is None else f"{result.position_s:.3f}"
        where: list[Any] = [f"{result.captured_at:.3f}", position_s, result.source, result.frame_index]
        numbers = [getattr(face, name) for name in self.tail[1:]]
        row = [
            *where,
            face.track_id,
            *face.box,
            face.emotion,
            *(f"{n:.4f}" for n in [*numbers, *scores.values()]),
        ]
        csv.writer(self._file).writerow(row)


class VideoSink:
    """An annotated .mp4 or .avi that plays at the speed of life, however unevenly frames come."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path = checked_place(path)
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._start_s = 0.0
        self._written = 0
        self._check_at = 0

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add the image as often as its time asks for: twice after a gap, not at all if too early."""
        drawn = draw(frame.image, result)
        writer = self._writer or self._open(drawn.shape[1], drawn.shape[0], frame.time_s)
        if self._written >= self._check_at:
            _check_space(self._path)
            self._check_at = self._written + 100
        if (drawn.shape[1], drawn.shape[0]) != self._size:
            drawn = cv2.resize(drawn, self._size)  # type: ignore[assignment]
        wanted = round((frame.time_s - self._start_s) * self._fps) + 1 - self._written
        if not 0 <= wanted <= 2 * self._fps:  # the camera was away: no still image for all that time
            self._start_s, wanted = frame.time_s - self._written / self._fps, 1
        for _ in range(wanted):
            writer.write(drawn)
        self._written += wanted

    def close(self) -> None:
        """Finish the file: without it an .mp4 can't be played."""
        if self._writer:
            self._writer.release()

    def _open(self, width: int, height: int, time_s: float) -> cv2.VideoWriter:
        codec = "MJPG" if self._path.suffix.lower() == ".avi" else "mp4v"
        writer = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*codec), self._fps, (width, height))
        if not writer.isOpened():
            self._path.unlink(missing_ok=True)
            raise SinkError(f"Expected a name of a video that OpenCV can write (.mp4, .avi). Received: {self._path}")
        self._writer, self._size, self._start_s = writer, (width, height), time_s
        return writer


class SnapshotSink:
    """An annotated image whenever a face shows another emotion; the oldest go when there are too many."""

    def __init__(self, folder: Path, most: int = 1000) -> None:
        self._folder = folder
        self._most = most
        self._shown: dict[tuple[str, int], str] = {}
        if folder.is_file():
            raise SinkError(f"Expected a folder for snapshots. Received: a file at {folder}")

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Keep an image if a label has changed."""
        shown = {(result.source, face.track_id): face.emotion for face in result.faces}
        changed = any(self._shown.get(who) != emotion for who, emotion in shown.items())
        others = {who: emotion for who, emotion in self._shown.items() if who[0] != result.source}
        self._shown = {**others, **shown}
        if not changed:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        _check_space(self._folder)
        kept = sorted(path for path in self._folder.iterdir() if OWN_NAMES.fullmatch(path.name))
        newest = float(kept[-1].name.split("_")[0]) if kept else 0.0
        moment = max(result.captured_at, newest + 0.001)  # a clock that was set back must not make this the oldest
        name = f"{moment:.3f}_{'_'.join(sorted(set(shown.values())))}.jpg"
        if not cv2.imwrite(str(self._folder / name), draw(frame.image, result)):
            raise SinkError(f"Expected to write an image to {self._folder}. Received: OpenCV refused {name}")
        for old in kept[: max(0, len(kept) + 1 - self._most)]:
            old.unlink()

    def close(self) -> None:
        """Nothing to finish."""


def _check_space(path: Path) -> None:
    free = shutil.disk_usage(path if path.is_dir() else path.parent).free
    if free < FREE_BYTES:
        raise SinkError(f"Expected {FREE_BYTES // 1_000_000} MB free for {path}. Received: {free // 1_000_000} MB")
