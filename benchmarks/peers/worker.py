"""Runs one peer in its own process: `python -m benchmarks.peers.worker PEER CLIP MODEL`, controlled over its pipes.

First it writes its result for the clip's first frame. Then each request and each answer is a JSON line:
    {"frames": 10}                          -> {"seconds": ..., "with_faces": ...}   the next frames of the clip
    {"faces": "a.npy", "save": "b.npy"}     -> {"seconds": ...}                      gray faces to probabilities
    {"memory": true}                        -> {"peak_mb": ...}
    {"heights": [40, 64], "photos": "DIR"}  -> {"recall": [...]}                    share of films whose face is found
It runs in the peers' own environments, so it uses only the standard library, NumPy and OpenCV.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from benchmarks.heads import LAST, film, scene_of, some_heads
from benchmarks.machine import memory_mb
from edge.results import BgrImage, GrayImage, Probabilities

SIGHT_SIZE = (640, 480)
SIGHT_FRAMES = 20
SIGHT_FILMS = 6


class Peer(Protocol):
    """What every peer can do; its module has `create(model) -> Peer`."""

    def find(self, image: BgrImage) -> list[str]:
        """Return the emotions of the faces in a frame."""

    def classify(self, faces: GrayImage) -> Probabilities:
        """Return probabilities (n, 7), in the order of edge's labels, for gray faces (n, 48, 48)."""


class Clip:
    """The frames of a video file in an endless loop; decoding is not timed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._frames = self._read()

    def next(self) -> BgrImage:
        """The next frame."""
        return next(self._frames)

    def _read(self) -> Iterator[BgrImage]:
        while True:
            capture = cv2.VideoCapture(self._path)
            ok, frame = capture.read()
            while ok:
                yield frame  # type: ignore[misc]
                ok, frame = capture.read()
            capture.release()


def main() -> None:
    """Serve the requests on standard input until it closes."""
    name, clip_path, model = sys.argv[1:4]
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # so that what libraries print does not disturb the answers
    peer: Peer = importlib.import_module(f"benchmarks.peers.{name}").create(model)
    clip = Clip(clip_path)
    answer: dict[str, Any] = {"first": peer.find(clip.next())}
    while True:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        line = sys.stdin.readline()
        if not line:
            return
        answer = _answer(json.loads(line), peer, clip)


def _answer(request: dict[str, Any], peer: Peer, clip: Clip) -> dict[str, Any]:
    if "frames" in request:
        return _time_frames(request["frames"], peer, clip)
    if "faces" in request:
        return _time_faces(Path(request["faces"]), Path(request["save"]), peer)
    if "heights" in request:
        return {"recall": [_recall(height, request["photos"], peer) for height in request["heights"]]}
    return {"peak_mb": memory_mb(field="VmHWM")}


def _recall(height: int, photos: str, peer: Peer) -> float:
    """The share of films with a face of this height in pixels in which a face is found at the end."""
    found = []
    for seed, head in enumerate(some_heads(Path(photos) if photos else None, SIGHT_FILMS)):
        frames = film(scene_of(head, height, SIGHT_SIZE, seed), SIGHT_FRAMES, seed)
        found.append(any([bool(peer.find(frame.image)) for frame in frames][-LAST:]))
    return sum(found) / len(found)


def _time_frames(count: int, peer: Peer, clip: Clip) -> dict[str, Any]:
    seconds, with_faces = 0.0, 0
    for _ in range(count):
        frame = clip.next()
        started_s = time.perf_counter()
        with_faces += bool(peer.find(frame))
        seconds += time.perf_counter() - started_s
    return {"seconds": seconds, "with_faces": with_faces}


def _time_faces(faces: Path, save: Path, peer: Peer) -> dict[str, Any]:
    pixels = np.load(faces)
    started_s = time.perf_counter()
    probabilities = peer.classify(pixels)
    seconds = time.perf_counter() - started_s
    np.save(save, probabilities)
    return {"seconds": seconds}


if __name__ == "__main__":
    main()
