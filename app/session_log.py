"""The record of a session: results, never images, in a temporary file that vanishes with its owner."""

import contextlib
import itertools
import json
import math
import tempfile
import threading
from array import array
from typing import Any

from app.monitor import Sample
from edge.results import FrameResult
from edge.schema import to_json
from edge.sinks import writing
from edge.table import COLUMNS, face_rows, to_csv

MOST_FRAMES = 200_000
"""Where a record ends: 3.7 hours at 15 results per second, about 100 MB on disk."""
MOST_SAMPLES = 5_000


class Record:
    """Results of one recording.

    Usage:
        record = Record()
        record.add(result)
        data = record.csv()
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        with writing("a record to a temporary file"):
            self._file = tempfile.TemporaryFile("w+b", buffering=0, prefix="emotion-record-")
        self._size = 0
        self._times_s = array("d")
        """When each frame was: a file's own time, else that of a clock that never jumps."""
        self.frames = 0
        self.faces = 0
        self.with_face = 0
        """Frames that have one."""
        self.lost = 0
        """Results for which the disk had no room."""
        self._samples: list[Sample] = []
        self._sampled_frames = 0

    @property
    def full(self) -> bool:
        """Whether it takes no more."""
        return self.frames >= MOST_FRAMES

    def add(self, result: FrameResult) -> None:
        """Append one result (any thread); a full or closed record ignores it."""
        line = json.dumps(to_json(result), separators=(",", ":")) + "\n"
        with self._lock:
            if self._file.closed or self.full:
                return
            if not self._write(line.encode()):
                self.lost += 1
                return
            self._times_s.append(result.captured_monotonic_s if result.position_s is None else result.position_s)
            self.frames += 1
            self.faces += len(result.faces)
            self.with_face += bool(result.faces)

    def _write(self, line: bytes) -> bool:
        """Whether the line is in the file, whole; else nothing of it is."""
        with contextlib.suppress(OSError):
            self._file.seek(self._size)
            if self._file.write(line) == len(line):
                self._size += len(line)
                return True
        return False

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._file.close()

    def jsonl(self) -> str:
        """JSON Lines: one line per frame."""
        with self._lock:
            self._file.seek(0)
            return self._file.read(self._size).decode()

    def csv(self) -> str:
        """CSV: one row per face, with a header even if there is none."""
        rows = itertools.chain.from_iterable(map(face_rows, map(json.loads, self.jsonl().splitlines())))
        first = next(rows, None)
        return to_csv([], head=COLUMNS) if first is None else to_csv(itertools.chain([first], rows), head=first)

    def samples(self) -> list[Sample]:
        """The largest face of each frame that has one, at most `MOST_SAMPLES`; read again only after new results."""
        if self._sampled_frames != self.frames:
            every = math.ceil(self.frames / MOST_SAMPLES)
            items = map(json.loads, self.jsonl().splitlines()[::every])
            self._samples = [
                _sample(item, at_s) for item, at_s in zip(items, self._times_s[::every], strict=False) if item["faces"]
            ]
            self._sampled_frames = self.frames
        return self._samples


def _sample(result: dict[str, Any], at_s: float) -> Sample:
    face = max(result["faces"], key=lambda face: face["box"][2] * face["box"][3])
    return Sample(at_s, face["scores"], face["valence"], face["arousal"])
