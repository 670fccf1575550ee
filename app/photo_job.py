"""Analyzes uploaded photos in a separate thread, and keeps the faces of each."""

import logging
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from app.people import People
from app.rendering import RenderOptions, decode, encode, face_of, fitted, render
from app.session_log import About, to_csv
from edge.annotate import hide_faces
from edge.boxes import area
from edge.config import EdgeConfig
from edge.engine import Engine
from edge.errors import EmotionError
from edge.results import Face, Frame, FrameResult
from edge.schema import to_json
from edge.sinks import writing

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Photo:
    """A photo and its result."""

    number: int
    name: str
    result: FrameResult | None = None
    problem: str = ""


class PhotoJob:
    """The analysis of some photos.

    Usage:
        job = PhotoJob([("family.jpg", data)], EdgeConfig())
        job.start()
        job.done, job.photos, job.csv(), job.image(0, RenderOptions())
        job.close()
    """

    def __init__(self, files: Sequence[tuple[str, bytes]], config: EdgeConfig) -> None:
        self.total = len(files)
        self.photos: list[Photo] = []
        self.done = False
        self.error: Exception | None = None
        self.begun_at = datetime.now().astimezone()
        self.config = replace(config, rotate=0)
        self.people = People()
        self._names = [name for name, _ in files]
        with writing("uploaded photos to a temporary folder"):
            self._folder = tempfile.TemporaryDirectory(prefix="emotion-photos-")
            for number, (_, data) in enumerate(files):
                self._path(number).write_bytes(data)
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="photo job", daemon=True)

    @property
    def files(self) -> list[tuple[str, bytes]]:
        """The uploaded files."""
        return [(name, self._path(number).read_bytes()) for number, name in enumerate(self._names)]

    @property
    def head(self) -> str:
        """The model's head that the scores come from, as in `FrameResult.scores`."""
        return next((photo.result.scores for photo in self.photos if photo.result), "")

    @property
    def faces(self) -> list[tuple[Photo, Face]]:
        """Every face of every photo."""
        return [(photo, face) for photo in self.photos if photo.result for face in photo.result.faces]

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Cancel the job if it still runs, and delete its files after the current photo; does not wait."""
        self._cancelled.set()
        if self.done:
            self._folder.cleanup()

    def join(self, timeout_s: float) -> bool:
        """Wait until the thread has ended; return whether it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def image(self, number: int, rendering: RenderOptions, who: int = 0) -> bytes:
        """A photo with its labels as a JPEG; with `who`, only that person's face."""
        photo = self.photos[number]
        if photo.result is None:
            return b""
        image = decode(self._path(number).read_bytes(), photo.name)
        face = next((face for face in photo.result.faces if face.track_id == who), None)
        if face is None:
            return encode(render(*fitted(image, photo.result), replace(rendering, mirror=False)))
        return encode(face_of(hide_faces(image, photo.result) if rendering.blur else image, face.box, 160))

    def csv(self, about: About | None = None) -> str:
        """The results as CSV: one row per face, with the photo's file name."""
        head = "".join(f"# {name}: {text}\n" for name, text in (about or {}).items())
        return head + to_csv({**to_json(photo.result), "file": photo.name} for photo in self.photos if photo.result)

    def _path(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number}"

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # the thread's boundary: the page shows it
            self.error = error
            if not isinstance(error, EmotionError):
                _log.exception("photos")
        finally:
            self.done = True
            if self._cancelled.is_set():
                self._folder.cleanup()

    def _work(self) -> None:
        engine = Engine(self.config)
        for number, name in enumerate(self._names):
            if self._cancelled.is_set():
                return
            self.photos.append(self._look(engine, number, name))

    def _look(self, engine: Engine, number: int, name: str) -> Photo:
        try:
            image = decode(self._path(number).read_bytes(), name)
            result = engine.push(Frame.now(image, number, "photos", is_still=True))
        except EmotionError as error:
            return Photo(number, name, problem=str(error))
        assert result is not None  # a still never comes too soon
        return Photo(number, name, _numbered(result))


def _numbered(result: FrameResult) -> FrameResult:
    """The result with faces numbered from 1, from left to right: each photo has its own people."""
    ordered = sorted(result.faces, key=lambda face: face.box.x)
    faces = tuple(replace(face, track_id=number) for number, face in enumerate(ordered, 1))
    return replace(result, faces=faces)


def face_size(face: Face) -> int:
    """A face's area in pixels, for sorting."""
    return area(face.box)
