"""Analyzes an uploaded video in a separate thread, into an annotated video and a record."""

import contextlib
import logging
import re
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import cv2

from app.people import People
from app.rendering import RenderOptions, encode, face_of, fitted, render
from app.session_log import Record
from edge.annotate import hide_faces
from edge.config import EdgeConfig
from edge.engine import Engine
from edge.errors import EmotionError, SourceError
from edge.results import Frame, FrameResult
from edge.sinks import writing
from edge.sources import Source, open_source

USUAL_FPS = 25.0
"""The frame rate to assume for a file that does not declare one."""
CONTAINERS = re.compile(rb"....(ftyp|moov|mdat|free|skip|wide)|\x1aE\xdf\xa3|RIFF....AVI ", re.DOTALL)
"""The first bytes of MP4 and MOV, of Matroska and WebM, and of AVI. Nothing else is accepted: FFmpeg also reads
playlists, whatever their name, and a playlist could name other files on the server."""

_log = logging.getLogger(__name__)


class VideoJob:
    """The analysis of one video file.

    Usage:
        job = VideoJob("talk.mp4", data, EdgeConfig(), RenderOptions())
        job.start()
        ...
        job.progress, job.done, job.error, job.video.read_bytes(), job.record.csv()
        job.close()
    """

    def __init__(
        self, name: str, data: bytes, config: EdgeConfig, rendering: RenderOptions, people: People | None = None
    ) -> None:
        self.name = name
        self.config, self.rendering = replace(config, rotate=0, mirror=False), rendering
        self.record = Record(is_film=True)
        self.people = people or People()
        self.pictures: dict[int, bytes] = {}
        """The best view of each person, for a report with pictures."""
        self._best: dict[int, float] = {}
        self.frames = 0
        self.total = 0
        """The number of frames that the file declares; 0 if it declares none."""
        self.done = False
        self.error: Exception | None = None
        with writing("an uploaded video to a temporary folder"):
            self._folder = tempfile.TemporaryDirectory(prefix="emotion-video-")
            self._input = Path(self._folder.name) / f"input{Path(name).suffix.lower()}"
            self._input.write_bytes(data)
        self.video = Path(self._folder.name) / "annotated.webm"
        self._fps = USUAL_FPS
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="video job", daemon=True)

    @property
    def progress(self) -> float:
        """The finished share of the work, in [0, 1]."""
        return min(1.0, self.frames / self.total) if self.total > 0 else 0.0

    @property
    def data(self) -> bytes:
        """The uploaded file."""
        return self._input.read_bytes()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Cancel the job if it still runs, and delete its files after the current image; does not wait."""
        self._cancelled.set()
        if self.done:
            self._forget()

    def join(self, timeout_s: float) -> bool:
        """Wait until the thread has ended; return whether it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work()
        except EmotionError as error:
            self.error = error
        except Exception as error:  # the thread's boundary: the page shows it, the log has its traceback
            self.error = error
            _log.exception("video %s", self.name)
        finally:
            self.done = True
            if self._cancelled.is_set():
                self._forget()

    def _forget(self) -> None:
        self.record.close()
        self._folder.cleanup()

    def _work(self) -> None:
        with self._input.open("rb") as file:
            if not CONTAINERS.match(file.read(16)):
                raise SourceError(f"Expected MP4, MOV, MKV, WebM or AVI. Received: {self.name}, which is none of them")
        self.total = _frames_in(self._input)
        config = replace(self.config, source=self.name, playback="fast")
        with Engine(config, opener=self._open) as engine, contextlib.closing(_Writer(self.video)) as writer:
            for frame, result in engine.results(self._cancelled):
                writer.write(frame, result, self.rendering, self._fps)
                self.record.add(result)
                self._keep_pictures(frame, result)
                self.frames += 1
        if not self.frames and not self._cancelled.is_set():
            raise SourceError(f"Expected a video. Received: {self.name}, which has no image")

    def _keep_pictures(self, frame: Frame, result: FrameResult) -> None:
        better = [face for face in result.faces if face.quality > self._best.get(face.track_id, -1.0) + 0.05]
        image = hide_faces(frame.image, result) if better and self.rendering.blur else frame.image
        for face in better:
            self._best[face.track_id] = face.quality
            self.pictures[face.track_id] = encode(face_of(image, face.box))

    def _open(self, _: str, config: EdgeConfig) -> Source:
        """Open the uploaded file as the engine's source."""
        source = open_source(str(self._input), config)
        self._fps = source.fps or USUAL_FPS
        return source


class _Writer:
    """Writes a WebM with VP8, the one format of OpenCV's wheel that every browser plays, at the film's own times."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._written = 0

    def write(self, frame: Frame, result: FrameResult, rendering: RenderOptions, fps: float) -> None:
        """Add the image as often as its time requires: the file has a constant rate, the film may not."""
        drawn = render(*fitted(frame.image, result), replace(rendering, mirror=False))
        drawn = drawn[: drawn.shape[0] // 2 * 2, : drawn.shape[1] // 2 * 2]  # VP8 wants even sides
        if self._writer is None:
            self._size = (drawn.shape[1], drawn.shape[0])
            self._writer = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*"VP80"), fps, self._size)
        if (drawn.shape[1], drawn.shape[0]) != self._size:  # the film has changed its size
            drawn = cv2.resize(drawn, self._size)  # type: ignore[assignment]
        for _ in range(round((frame.position_s or 0.0) * fps) + 1 - self._written):
            self._writer.write(drawn)
            self._written += 1

    def close(self) -> None:
        if self._writer:
            self._writer.release()


def _frames_in(path: Path) -> int:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        capture.release()
