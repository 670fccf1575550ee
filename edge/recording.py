"""Sinks that write files: a CSV table, an annotated video, a folder of images.

Each makes its file with the first result, so that a run that never starts leaves nothing behind.
"""

import itertools
import logging
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import cv2

from edge.address import redact
from edge.annotate import draw
from edge.errors import ConfigError, SinkError
from edge.files import replacing
from edge.line_file import LineFile
from edge.names import level, own_device
from edge.results import BgrImage, Frame, FrameResult
from edge.schema import to_json
from edge.sinks import checked_folder, checked_place, writing
from edge.table import face_rows, to_csv

FREE_BYTES = 50_000_000
"""Nothing is written with less free space than this, since OpenCV does not report a full disk."""
CODECS = {".avi": "MJPG", ".mp4": "mp4v", ".m4v": "mp4v", ".mov": "mp4v", ".mkv": "mp4v"}
CHECK_EVERY = 25
"""How many frames of a video are written between two checks of the disk."""
BUFFERED_BYTES = 65_536
"""Slightly more than FFmpeg may buffer before a file grows."""
OWN_NAMES = re.compile(r"\d+\.\d{3}_[^.]*?(?:_(\d{6,}))?\.jpg")
"""Names of snapshots: time, device and camera, labels and number, as in 1795366275.646_kitchen_door_happy_000017.jpg.
Other images in the folder are never deleted."""
NAME_BYTES = 200
"""The most bytes that names and labels may take: file systems allow 255."""
PHOTO_S = 1.0
"""How long a video shows a photo."""

_log = logging.getLogger(__name__)


class CsvSink:
    """Appends a row for each face of each frame to a CSV file; an empty file begins with the header."""

    def __init__(self, path: Path, device: str = "", identity: Mapping[str, str] | None = None) -> None:
        self._path = checked_place(path)
        self._device = device
        self._identity = dict(identity or {})
        """Fields that only the first row of a run, and of a file, holds."""
        self._has_begun = False
        self._file = LineFile(path)
        self._header = ""

    def write(self, frame: Frame, result: FrameResult) -> bool:
        """Write the rows of one frame, if it has faces."""
        if not result.faces:
            return False
        blank = dict.fromkeys(self._identity, "")
        rows = [{**row, **blank} for row in face_rows(to_json(result, self._device))]
        header = to_csv([], head=rows[0])
        with writing(f"rows to {self._path}"):
            if header != self._header:
                self._header = _fitting(header, self._path)
            if not self._has_begun or self._file.is_empty():
                rows[0] |= self._identity
            self._file.write(to_csv(rows), head=header)
        self._has_begun = True
        return True

    def reopen(self) -> None:
        """Reopen the file with the next row."""
        self._file.reopen()

    def close(self) -> None:
        """Close the file."""
        self._file.reopen()


def _fitting(header: str, path: Path) -> str:
    """`header`, if the file at `path` has the same columns; a SinkError if another version or network wrote it."""
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            first = file.readline(len(header) + 1).decode(errors="replace")
        if first.strip() != header.strip():
            raise SinkError(f"Expected the columns of these rows in {path}: give another name. Received: other columns")
    return header


class VideoSink:
    """Writes an annotated .mp4 or .avi that plays in real time, however unevenly frames come; a photo lasts a second.

    No file is replaced: if one exists, perhaps of a run that a power cut ended, the recording goes to NAME-2.mp4. So it
    does if a file can't grow any more, or was moved away.
    """

    def __init__(self, path: Path, fps: float) -> None:
        check_video_name(path)
        self._path = checked_place(path)
        checked_place(_free_name(path))
        self._fps = fps
        self._part: _VideoPart | None = None
        self._has_begun = False

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add the image as often as its time requires: twice after a gap, not at all if it is too early."""
        drawn = draw(frame.image, result)
        with writing(f"a video to {self._path}"):
            part = self._part or self._begin(drawn, frame.time_s)
            try:
                part.check()
            except OSError:
                self.close()
                raise
        part.add(drawn, frame)

    def close(self) -> None:
        """Finish the file: an unfinished .mp4 can't be played."""
        part, self._part = self._part, None
        if part:
            part.finish()

    def _begin(self, drawn: BgrImage, time_s: float) -> "_VideoPart":
        path = _free_name(self._path)
        if path != self._path:
            _log.warning("%s exists already: the recording goes to %s", self._path, path)
        _check_space(path)
        if self._has_begun:
            _try_room(path)
        self._part = _VideoPart(path, self._fps, drawn, time_s)
        self._has_begun = True
        return self._part


def check_video_name(path: Path) -> None:
    """Raise a ConfigError if the name does not say a kind of video that can be written."""
    if path.suffix.lower() not in CODECS:
        raise ConfigError(f"Expected a name of a video that ends in {', '.join(CODECS)}. Received: {path}")


def _plain_name(path: Path) -> str:
    """A name that FFmpeg takes for a file: in UTF-8, and absolute, so that 12:30.mp4 is not taken for a protocol."""
    name = os.path.abspath(path)
    if name != redact(name):
        raise SinkError(f"Expected a name of a video in UTF-8, without control characters. Received: {redact(name)}")
    return name


class _VideoPart:
    """One file of a recording."""

    def __init__(self, path: Path, fps: float, drawn: BgrImage, start_s: float) -> None:
        self._path, self._fps, self._start_s = path, fps, start_s
        self._size = (drawn.shape[1], drawn.shape[0])
        codec = CODECS[path.suffix.lower()]
        self._writer = cv2.VideoWriter(_plain_name(path), cv2.VideoWriter.fourcc(*codec), fps, self._size)
        if not self._writer.isOpened():
            path.unlink(missing_ok=True)
            raise SinkError(f"Expected a name of a video that OpenCV can write (.mp4, .avi). Received: {path}")
        self._least_bytes = drawn.size / 3 / (128 if codec == "MJPG" else 2048)
        """Bytes per frame of a still image of one gray: any other frame takes more."""
        self._file = os.stat(path)
        self._grown_at = self._checked_at = self._written = 0

    def check(self) -> None:
        """Raise a SinkError if this file takes no more, since OpenCV does not say so."""
        if self._written - self._checked_at < CHECK_EVERY:
            return
        self._checked_at = self._written
        _check_space(self._path)
        before, self._file = self._file, os.stat(self._path)
        if not os.path.samestat(before, self._file):
            raise SinkError(f"Expected the video at {self._path} to stay there. Received: another file")
        if self._file.st_size > before.st_size:
            self._grown_at = self._written
        elif (self._written - self._grown_at) * self._least_bytes > BUFFERED_BYTES:
            raise SinkError(f"Expected the video at {self._path} to grow. Received: {before.st_size} bytes, no more")

    def add(self, drawn: BgrImage, frame: Frame) -> None:
        if (drawn.shape[1], drawn.shape[0]) != self._size:
            drawn = cv2.resize(drawn, self._size)  # type: ignore[assignment]
        wanted = self._wanted(frame)
        for _ in range(wanted):
            self._writer.write(drawn)
        self._written += wanted

    def _wanted(self, frame: Frame) -> int:
        """How often to write this image."""
        if frame.is_still:  # its time is only when it was read
            return max(1, round(PHOTO_S * self._fps))
        wanted = round((frame.time_s - self._start_s) * self._fps) + 1 - self._written
        if frame.is_live and not 0 <= wanted <= 2 * self._fps:  # it was away: don't fill the gap with one image
            self._start_s, wanted = frame.time_s - self._written / self._fps, 1
        return wanted

    def finish(self) -> None:
        self._writer.release()


class SnapshotSink:
    """Saves an image when a face's emotion changes, annotated unless `plain`; if there are too many, the oldest go.

    Which one is older is decided by the numbers in their names, since the clock may jump.
    """

    def __init__(self, folder: Path, most: int = 1000, device: str = "", plain: bool = False) -> None:
        self._folder = checked_folder(folder)
        self._device = device or own_device()
        self._most = most
        self._plain = plain
        self._shown: dict[tuple[str, int], str] = {}

    def write(self, frame: Frame, result: FrameResult) -> bool:
        """Keep an image if a label has changed."""
        shown = {(result.source, face.track_id): face.emotion for face in result.faces}
        others = {who: emotion for who, emotion in self._shown.items() if who[0] != result.source}
        changed = any(self._shown.get(who) != emotion for who, emotion in shown.items())
        if changed:
            with writing(f"an image to {self._folder}"):
                self._keep(frame.image if self._plain else draw(frame.image, result), result)
        self._shown = {**others, **shown}
        return changed

    def close(self) -> None:
        """Do nothing: every image is already complete."""

    def _keep(self, image: BgrImage, result: FrameResult) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        _check_space(self._folder)
        kept = sorted((_number(path.name), path) for path in self._folder.iterdir() if OWN_NAMES.fullmatch(path.name))
        number = kept[-1][0] + 1 if kept else 0
        with replacing(self._folder / f"{result.captured_at:.3f}_{self._names(result)}_{number:06d}.jpg") as part:
            part.write_bytes(cv2.imencode(".jpg", image)[1].tobytes())
        for _, old in kept[: max(0, len(kept) + 1 - self._most)]:
            old.unlink(missing_ok=True)

    def _names(self, result: FrameResult) -> str:
        """Device, camera, photo and labels, as a part of a file's name."""
        labels = sorted({face.emotion for face in result.faces})
        parts = ([self._device], [result.source, *([result.file] if result.file else [])], labels)
        device, place, shown = ("_".join(level(name).replace(".", "-") for name in part).encode() for part in parts)
        room = max(0, NAME_BYTES - len(device + shown) - 2)
        place = place[max(0, len(place) - room) :]  # the end of a path says more than its beginning
        return b"_".join((device, place, shown))[:NAME_BYTES].decode(errors="ignore")


def _number(name: str) -> int:
    """The number in a snapshot's name; -1 if an earlier version named it, without a number."""
    match = OWN_NAMES.fullmatch(name)
    return int(match[1]) if match and match[1] else -1


def _free_name(path: Path) -> Path:
    """`path` if nothing exists there, else the first of NAME-2, NAME-3, … that is free."""
    names = itertools.chain([path], (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2)))
    return next(name for name in names if not os.path.lexists(name))


def _check_space(path: Path) -> None:
    free = shutil.disk_usage(path if path.is_dir() else path.parent).free
    if free < FREE_BYTES:
        raise SinkError(f"Expected {FREE_BYTES // 1_000_000} MB free for {path}. Received: {free // 1_000_000} MB")


def _try_room(path: Path) -> None:
    """Raise an OSError if a file beside `path` can't take as much as FFmpeg writes at once."""
    trial = path.with_name(f".{path.name}.trial")
    try:
        trial.write_bytes(bytes(BUFFERED_BYTES))
    finally:
        trial.unlink(missing_ok=True)
