"""Keeps results in an SQLite file that survives a power cut, for `edge.export` and until the broker has them.

A separate thread writes: all waiting rows go into one transaction, which is safe on the disk when it ends (WAL,
synchronous=FULL). Size and age of the file are limited; the oldest rows are deleted.
"""

import json
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from edge.changes import Changes
from edge.errors import SinkError
from edge.names import own_device
from edge.results import CameraStatus, Frame, FrameResult
from edge.schema import status_to_json, to_json
from edge.store_file import (
    LIMITS,
    StoreLimits,
    file_at,
    go_on,
    is_damage,
    last_result,
    move_aside,
    open_store,
    ran_s_of,
    sent_through,
    set_progress,
    trim,
)
from edge.waiting import LATE_S, Entry

MOST_PENDING = 10_000
"""The most rows that wait in memory while the disk takes none; then the oldest are dropped."""
RETRY_S = 1.0
CLOSE_S = 5.0
"""How long `close` waits for the last rows to be on the disk."""
IDLE_S = 5.0

_log = logging.getLogger("edge.sinks")


class _Row(NamedTuple):
    captured_at: float
    source: str
    kind: str
    """`result` or `state`; only results go to a broker."""
    put_s: float
    line: str


class Store:
    """Rows in an SQLite file, with a note of which a broker has; it implements `Waiting`.

    With `forwards` false the rows are not meant for a broker: one that is configured later does not get them.

    Usage:
        store = Store(Path("results.sqlite"))
        store.put("door", '{"schema":2}', time.time())
        store.close()

    Raises:
        SinkError: the file can't be made, or another kind of file is there.
    """

    def __init__(self, path: Path, limits: StoreLimits = LIMITS, forwards: bool = True) -> None:
        self.dropped = 0
        """How many rows were dropped before the broker, or the disk, had them."""
        self.wake: Callable[[], None] = lambda: None
        self.limits, self.forwards = limits, forwards
        self.path = path
        self._reading = self._open_to_read()
        self._file = file_at(path)
        self._damage: Exception | None = None
        self.done_through, self._last_result = sent_through(self._reading), last_result(self._reading)
        self._opened_at = self._last_result
        self._ran_s, self._opened_s = ran_s_of(self._reading), time.monotonic()
        self._pending: deque[_Row] = deque()
        self._news, self._idle, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._idle.set()
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def put(self, source: str, line: str, captured_at: float) -> None:
        """Store a result; it is on the disk a moment later."""
        self._add(_Row(captured_at, source, "result", self.clock_s(), line))

    def put_state(self, source: str, line: str, at: float) -> None:
        """Store a line about a camera's state."""
        self._add(_Row(at, source, "state", self.clock_s(), line))

    def flush(self, timeout_s: float = CLOSE_S) -> bool:
        """Wait until all rows are on the disk; return whether they are."""
        return self._idle.wait(timeout_s)

    def close(self) -> None:
        """Write what waits; the file can still be read afterwards."""
        self._ended.set()
        self._news.set()
        self._thread.join(CLOSE_S)

    def clock_s(self) -> float:
        """How many seconds the store has been open since it was made: unlike the time of day, it never jumps."""
        return self._ran_s + time.monotonic() - self._opened_s

    def after(self, number: int, most: int) -> list[Entry]:
        """The first results after this number; none if the disk can't be read at the moment."""
        query = "SELECT id, source, line, ran_s FROM rows WHERE id > ? AND kind = 'result' ORDER BY id LIMIT ?"
        late_s = self.clock_s() - LATE_S
        reading = self._reading
        try:
            rows = reading.execute(query, (number, most)).fetchall()
        except sqlite3.Error as error:
            self._fail(error, reading)
            return []
        return [Entry(id_, source, line, id_ <= self._opened_at or ran_s < late_s) for id_, source, line, ran_s in rows]

    def done(self, number: int) -> None:
        """Note that the broker has all results up to this number."""
        self.done_through = max(self.done_through, number)
        reading = self._reading
        try:
            set_progress(reading, "sent", self.done_through)
        except sqlite3.Error as error:  # it would come twice after a restart
            self._fail(error, reading)

    @property
    def count(self) -> int:
        """How many rows still wait for a broker; states of cameras between them are counted too."""
        return max(0, self._last_result - self.done_through) if self.forwards else 0

    def counts(self) -> dict[str, int]:
        """How many rows wait and were dropped, and the size of the file."""
        size = self.path.stat().st_size if self.path.exists() else 0
        return {"waiting": self.count, "dropped": self.dropped, "bytes": size}

    def _add(self, row: _Row) -> None:
        with self._lock:
            self._pending.append(row)
            while len(self._pending) > MOST_PENDING:
                self._pending.popleft()
                self.dropped += 1
            self._idle.clear()
        self._news.set()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while not (self._ended.is_set() and self._idle.is_set()):
            self._news.wait(IDLE_S)
            self._news.clear()
            try:
                connection = self._connected(connection)
                self._write(connection)
            except (sqlite3.Error, SinkError, OSError) as error:
                self._fail(error)
                if self._ended.wait(RETRY_S):
                    break
                self._news.set()
        if connection:
            connection.close()

    def _connected(self, connection: sqlite3.Connection | None) -> sqlite3.Connection:
        """The connection to the store; if its file is damaged, or somebody has removed it, to a new one."""
        if self._damage:
            move_aside(self.path, self._damage)
            self._damage = None
        if connection and file_at(self.path) == self._file:
            return connection
        if connection:
            connection.close()
        connection = open_store(self.path)
        if file_at(self.path) != self._file:
            self._begin_anew(connection)
        return connection

    def _begin_anew(self, connection: sqlite3.Connection) -> None:
        """Go on in another file; what only the last one held is lost."""
        if self.forwards:
            self.dropped += max(0, self._last_result - self.done_through)
        if not last_result(connection):
            go_on(connection, max(self._last_result, self.done_through), self.clock_s())
        self._reading = self._open_to_read()
        self.done_through = sent_through(self._reading)
        self._last_result = max(self.done_through, last_result(self._reading))
        self._file, self._damage = file_at(self.path), None

    def _open_to_read(self) -> sqlite3.Connection:
        """The broker's link reads, marks what is done, and needs no sync for that."""
        connection = open_store(self.path)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _write(self, connection: sqlite3.Connection) -> None:
        """Write all waiting rows in one transaction; if it fails, they go on waiting."""
        with self._lock:
            rows, self._pending = self._pending, deque()
        if rows:
            try:
                self._last_result = self._commit(connection, rows) or self._last_result
            except BaseException:
                with self._lock:
                    self._pending.extendleft(reversed(rows))
                raise
            self._recover()
        with self._lock:
            if not self._pending:
                self._idle.set()
        self.wake()

    def _commit(self, connection: sqlite3.Connection, rows: Iterable[_Row]) -> int:
        """Add rows and delete the oldest; return the id of the last result added, 0 if there is none."""
        last = 0
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for row in rows:
                text = "INSERT INTO rows (captured_at, source, kind, ran_s, line) VALUES (?, ?, ?, ?, ?)"
                number = connection.execute(text, row).lastrowid or 0
                last = number if row.kind == "result" else last
            now_s = self.clock_s()
            set_progress(connection, "ran_s", now_s)
            if last and not self.forwards:
                set_progress(connection, "sent", last)
            gone_through = trim(connection, self.limits, now_s)
        if gone_through > self.done_through and self.forwards:
            self.dropped += gone_through - self.done_through
            self.done_through = gone_through
        return last

    def _fail(self, error: Exception, reading: sqlite3.Connection | None = None) -> None:
        """Log the first error; a damaged file is replaced, unless `reading` was still of the file before it."""
        if not self._has_failed:
            _log.warning("Expected to write to the store %s. Received: %s; it is tried again", self.path, error)
        self._has_failed = True
        if is_damage(error) and reading in (None, self._reading):
            self._damage = error
            self._news.set()

    def _recover(self) -> None:
        if self._has_failed:
            _log.info("the store %s is written again; results lost so far: %d", self.path, self.dropped)
        self._has_failed = False


class StoreSink:
    """Puts results and cameras' states into a store: at once when labels or faces change, else once per second."""

    def __init__(self, store: Store, device: str = "") -> None:
        self._store, self._device = store, device or own_device()
        self._changes = Changes()

    def write(self, frame: Frame, result: FrameResult) -> bool:
        """Store the result if one is due."""
        if not self._changes.is_due(frame, result):
            return False
        self._store.put(result.source, _compact(to_json(result, self._device)), result.captured_at)
        self._changes.told(frame, result)
        return True

    def tell(self, status: CameraStatus) -> bool:
        """Store a camera's state."""
        self._store.put_state(status.name, _compact(status_to_json(status, self._device)), status.since_unix_s)
        return True

    def counts(self) -> dict[str, int]:
        """What the store counts."""
        return self._store.counts()

    def close(self) -> None:
        """Write what waits."""
        self._store.close()


def _compact(values: dict[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":"), allow_nan=False)
