"""Measures peers side by side: one process each, in turns, so that a slow moment of the machine affects all alike."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.peers import environments
from edge.results import GrayImage, Probabilities
from edge.sources import DemoSource

CLIP_FRAMES = 90
ROUNDS = 8
FRAMES_A_ROUND = 9
"""Frames per round: a multiple of edge's detection interval, so that each round has its share of detections."""
FACES_A_ROUND = 20
SIGHT_HEIGHTS = (40, 50, 64, 80, 100, 130)
"""Face heights to test how far a peer sees; speeds are compared only between peers that see equally far."""


@dataclass(frozen=True)
class PeerSpec:
    """One row of the table."""

    title: str
    module: str
    environment: str
    model: str
    most_faces: int | None = None
    """How many faces it classifies at most; None: all. If not all, no accuracy is given."""


@dataclass
class Measured:
    """The results of one peer; times are the fastest of all rounds."""

    spec: PeerSpec
    first_result_s: float = float("inf")
    frames_per_s: float = 0.0
    face_ms: float = float("inf")
    with_faces: int = 0
    recall: dict[int, float] = field(default_factory=dict)
    """The share of faces found by face height in pixels."""
    peak_mb: float = 0.0
    installed_mb: float = 0.0
    probabilities: Probabilities = field(default_factory=lambda: np.empty((0, 7), np.float32))


class Worker:
    """A peer's process; the constructor returns when the first result has come."""

    def __init__(self, spec: PeerSpec, clip: Path, log: Path) -> None:
        python = environments.python_of(spec.environment)
        started_s = time.perf_counter()
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [python, "-m", "benchmarks.peers.worker", spec.module, clip, spec.model],
                cwd=environments.ROOT,
                env=os.environ | {"KERAS_BACKEND": "tensorflow"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._log = log
        self.first = self._answer()["first"]
        self.first_result_s = time.perf_counter() - started_s

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=120)  # TensorFlow takes long to exit on a busy machine

    def recall(self, photos: str) -> dict[int, float]:
        """The share of faces of each height that it finds."""
        return dict(zip(SIGHT_HEIGHTS, self.ask(heights=SIGHT_HEIGHTS, photos=photos)["recall"], strict=True))

    def ask(self, **request: object) -> dict[str, Any]:
        """Send one request and wait for its answer."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"Expected an answer of the peer. Received: its end\n{self._log.read_text()[-3000:]}")
        return json.loads(line)  # type: ignore[no-any-return]


def measure(specs: Sequence[PeerSpec], faces: GrayImage, starts: int = 3, photos: str = "") -> list[Measured]:
    """Start each peer, then measure all in turns; at the end each classifies `faces` (n, 48, 48) once.

    How far each peer sees is measured with the photographs in `photos`, else with the demo's portrait.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        clip = write_clip(Path(folder) / "clip.avi")
        rows = [Measured(spec, installed_mb=_installed(spec)) for spec in specs]
        for _ in range(starts - 1):
            for row in rows:
                _start(row, clip, Path(folder)).__exit__()
        workers = [stack.enter_context(_start(row, clip, Path(folder))) for row in rows]
        few = Path(folder) / "few.npy"
        np.save(few, faces[:FACES_A_ROUND])
        for _ in range(ROUNDS):
            for row, worker in zip(rows, workers, strict=True):
                _one_round(row, worker, few)
        for row, worker in zip(rows, workers, strict=True):
            row.recall = worker.recall(photos)
            row.peak_mb = worker.ask(memory=True)["peak_mb"]
            row.probabilities = _classify_all(worker, faces[: row.spec.most_faces], Path(folder))
    return rows


def write_clip(path: Path, frames: int = CLIP_FRAMES) -> Path:
    """The demo's first frames as Motion JPEG in AVI, which every OpenCV reads."""
    source = DemoSource()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), source.fps, source.size)
    for index in range(frames):
        writer.write(source.image(index))
    writer.release()
    return path


def _installed(spec: PeerSpec) -> float:
    environments.python_of(spec.environment)
    ours = environments.folder_mb(environments.ROOT / "edge") if spec.environment == "edge" else 0.0
    return environments.installed_mb(spec.environment) + ours


def _start(row: Measured, clip: Path, folder: Path) -> Worker:
    worker = Worker(row.spec, clip, folder / f"{row.spec.module}.log")
    row.first_result_s = min(row.first_result_s, worker.first_result_s)
    return worker


def _one_round(row: Measured, worker: Worker, few: Path) -> None:
    answer = worker.ask(frames=FRAMES_A_ROUND)
    row.frames_per_s = max(row.frames_per_s, FRAMES_A_ROUND / answer["seconds"])
    row.with_faces += answer["with_faces"]
    seconds = worker.ask(faces=str(few), save=str(few.with_name("few_scores.npy")))["seconds"]
    row.face_ms = min(row.face_ms, seconds * 1e3 / FACES_A_ROUND)


def _classify_all(worker: Worker, faces: GrayImage, folder: Path) -> Probabilities:
    asked, answered = folder / "faces.npy", folder / "scores.npy"
    np.save(asked, faces)
    worker.ask(faces=str(asked), save=str(answered))
    return np.load(answered)  # type: ignore[no-any-return]
