"""The record of a session: results, but no images, in a temporary file that is deleted with the session."""

import contextlib
import itertools
import json
import tempfile
import threading
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from app.moments import Moment, Timeline, timeline
from edge import table
from edge.results import FrameResult
from edge.schema import to_json
from edge.sinks import writing
from edge.table import COLUMNS, face_rows

MOST_FRAMES = 200_000
"""The most results in a record: 3.7 hours at 15 results per second, about 100 MB on disk."""

About = Mapping[str, str]
"""The facts in a file's header: source, begin, model, options."""


class Record:
    """The results of one recording.

    Usage:
        record = Record()
        record.add(result)
        data = record.csv()

    Args:
        is_film: count time from the film's beginning, not from the first result.
    """

    def __init__(self, is_film: bool = False) -> None:
        self._lock = threading.Lock()
        with writing("a record to a temporary file"):
            self._file = tempfile.TemporaryFile("w+b", buffering=0, prefix="emotion-record-")
        self._is_film = is_film
        self._size = 0
        self._times_s = array("d")
        """The time of each frame: a film's own time, else that of a monotonic clock."""
        self.begun_at = datetime.now().astimezone()
        self.frames = 0
        self.faces = 0
        self.with_face = 0
        """How many frames have a face."""
        self.lost = 0
        """How many results the disk had no room for."""
        self._timeline = Timeline()
        self._timeline_frames = 0

    @property
    def full(self) -> bool:
        """Whether the record takes no more results."""
        return self.frames >= MOST_FRAMES

    def add(self, result: FrameResult) -> None:
        """Append a result (from any thread); a full or closed record ignores it."""
        line = json.dumps({**to_json(result), "time": iso(result.captured_at)}, separators=(",", ":")) + "\n"
        with self._lock:
            if self._file.closed or self.full:
                return
            if not self._write(line.encode()):
                self.lost += 1
                return
            position_s = result.position_s if self._is_film else None
            self._times_s.append(result.captured_monotonic_s if position_s is None else position_s)
            self.frames += 1
            self.faces += len(result.faces)
            self.with_face += bool(result.faces)

    def _write(self, line: bytes) -> bool:
        """Write a line, whole or not at all; return whether it is in the file."""
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

    def jsonl(self, about: About | None = None) -> str:
        """The record as JSON Lines: the facts `about` it, if given, then one line per frame."""
        head = json.dumps({"about": dict(about)}) + "\n" if about else ""
        with self._lock:
            self._file.seek(0)
            return head + self._file.read(self._size).decode()

    def csv(self, about: About | None = None) -> str:
        """The record as CSV: the facts `about` it, if given, in lines that begin with #, then one row per face."""
        head = "".join(f"# {name}: {' '.join(text.split())}\n" for name, text in (about or {}).items())
        return head + to_csv(self._results())

    def timeline(self) -> Timeline:
        """The timeline of all people; computed again only after new results."""
        if self._timeline_frames != self.frames:
            self._timeline, self._timeline_frames = self._read_timeline(), self.frames
        return self._timeline

    def _read_timeline(self) -> Timeline:
        begin_s = 0.0 if self._is_film else self._times_s[0]
        times_s = [at_s - begin_s for at_s in self._times_s]
        people: defaultdict[int, list[tuple[int, Moment]]] = defaultdict(list)
        for number, (result, at_s) in enumerate(zip(self._results(), times_s, strict=False)):
            for face in result["faces"]:
                if face["scores"]:
                    people[face["track_id"]].append((number, _moment(face, at_s)))
        return timeline(times_s, people)

    def _results(self) -> Iterator[dict[str, Any]]:
        return (json.loads(line) for line in self.jsonl().splitlines())


def iso(unix_s: float) -> str:
    """A Unix time as ISO 8601, in this machine's time zone."""
    return datetime.fromtimestamp(unix_s).astimezone().isoformat(timespec="milliseconds")


def to_csv(results: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a header and one row per face: the columns of `python -m edge.run --csv`, and the ISO time."""
    rows = map(_with_time, itertools.chain.from_iterable(map(face_rows, results)))
    first = next(rows, None)
    head = first or _with_time(dict.fromkeys(COLUMNS))
    return table.to_csv([] if first is None else itertools.chain([first], rows), head=head)


def _with_time(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its time as ISO 8601 next to the Unix time."""
    at = row["captured_at"]
    return {"captured_at": at, "time": None if at is None else iso(at), **row}


def _moment(face: dict[str, Any], at_s: float) -> Moment:
    return Moment(at_s, face["emotion"], face["scores"], face["valence"], face["arousal"])
