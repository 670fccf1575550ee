"""The SQLite file of a store: its tables, its limits, and the treatment of a damaged file. Standard library only."""

import contextlib
import itertools
import logging
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.errors import SinkError

APPLICATION = 0x454D4F45
"""SQLite's application_id, which marks the file as a store."""
VERSION = 1
BUSY_S = 10.0
CHUNK = 500
"""How many rows are deleted at once."""
MOST_CHUNKS = 20
"""A limit per transaction, so that none takes long."""
DAY_S = 86_400
_MAGIC = b"SQLite format 3\0"
_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS rows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    captured_at REAL NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    ran_s REAL NOT NULL,
    line TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS progress (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""

_log = logging.getLogger("edge.sinks")


@dataclass(frozen=True)
class StoreLimits:
    """The largest size and age of a store."""

    most_bytes: int = 500_000_000
    most_s: float = 30 * DAY_S
    """The age in seconds that the store was open: the time of day may jump."""


LIMITS = StoreLimits()


def open_store(path: Path) -> sqlite3.Connection:
    """Open the store at `path`, or make one; a damaged store is renamed first.

    Raises:
        SinkError: no store can be made or opened there.
    """
    try:
        if _is_foreign(path):
            raise SinkError(f"Expected the file of a store, or none, at {path}. Received: another file")
        try:
            return _open(path)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            move_aside(path, error)
            return _open(path)
    except (sqlite3.Error, OSError) as error:
        raise SinkError(f"Expected to open a store at {path}. Received: {error}") from error


def is_damage(error: Exception) -> bool:
    """Whether the file is damaged: no permission, or a full disk, is no damage."""
    return type(error) is sqlite3.DatabaseError


def file_at(path: Path) -> tuple[int, int] | None:
    """What identifies the file at a path; None if there is none."""
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None


def go_on(connection: sqlite3.Connection, number: int, ran_s: float) -> None:
    """Let the numbers of a new store's rows, and its clock, go on from those of the store before it."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('rows', ?)", (number,))
        set_progress(connection, "sent", number)
        set_progress(connection, "ran_s", ran_s)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a store only to read it, while a service may write to it.

    Raises:
        SinkError: there is no store, or it can't be read.
    """
    try:
        if not path.is_file() or _is_foreign(path):
            reason = "another file" if path.exists() else "no such file"
            raise SinkError(f"Expected the file of a store at {path}. Received: {reason}")
        with contextlib.closing(_connect_to_read(path)) as connection:
            yield connection
    except (sqlite3.Error, OSError) as error:
        if isinstance(error, BrokenPipeError | SinkError):
            raise
        raise SinkError(f"Expected to read the store at {path}. Received: {error}") from error


def ran_s_of(connection: sqlite3.Connection) -> float:
    """How many seconds the store has been open in total."""
    return _progress(connection, "ran_s")


def sent_through(connection: sqlite3.Connection) -> int:
    """The number up to which a broker has all results."""
    return int(_progress(connection, "sent"))


def last_result(connection: sqlite3.Connection) -> int:
    """The number of the newest result."""
    query = "SELECT id FROM rows WHERE kind = 'result' ORDER BY id DESC LIMIT 1"
    return int((connection.execute(query).fetchone() or (0,))[0])


def set_progress(connection: sqlite3.Connection, name: str, value: float) -> None:
    """Save a number, within the open transaction if there is one."""
    connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (name, value))


def trim(connection: sqlite3.Connection, limits: StoreLimits, now_s: float) -> int:
    """Delete the oldest rows until the limits are kept; return the last deleted row's number, 0 if none was."""
    gone_through, oldest_s = 0, now_s - limits.most_s
    for _ in range(MOST_CHUNKS):
        is_large = used_bytes(connection) > limits.most_bytes
        query = "SELECT max(id) FROM (SELECT id, ran_s FROM rows ORDER BY id LIMIT ?) WHERE ? OR ran_s < ?"
        (through,) = connection.execute(query, (CHUNK, is_large, oldest_s)).fetchone()
        if through is None:
            break
        connection.execute("DELETE FROM rows WHERE id <= ?", (through,))
        gone_through = int(through)
    return gone_through


def used_bytes(connection: sqlite3.Connection) -> int:
    """The bytes in use; the free pages of deleted rows do not count, since they are used again."""
    pages, free = _number(connection, "page_count"), _number(connection, "freelist_count")
    return (pages - free) * _number(connection, "page_size")


def _progress(connection: sqlite3.Connection, name: str) -> float:
    found = connection.execute("SELECT value FROM progress WHERE name = ?", (name,)).fetchone()
    return float(found[0]) if found else 0.0


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_size_limit=4000000")
        if _number(connection, "user_version") == 0:
            connection.executescript(_TABLES)
        _check(connection, path)
        connection.execute("SELECT max(id) FROM rows").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_to_read(path: Path, flags: str = "mode=ro") -> sqlite3.Connection:
    """Connect to a store without writing to it; on a read-only disk too, if nothing is left in its log."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{flags}", uri=True, timeout=BUSY_S)
    try:
        _check(connection, path)
    except BaseException as error:
        connection.close()
        log = Path(f"{path}-wal")
        is_whole = not (log.exists() and log.stat().st_size)
        if isinstance(error, sqlite3.OperationalError) and is_whole and "immutable" not in flags:
            return _connect_to_read(path, "mode=ro&immutable=1")
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = (_number(connection, "application_id"), _number(connection, "user_version"))
    if found != (APPLICATION, VERSION):
        raise SinkError(f"Expected a store of this version at {path}. Received: another database")


def _number(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _is_foreign(path: Path) -> bool:
    """Whether the file there is not SQLite's: then it must not be moved or overwritten."""
    if not os.path.lexists(path):
        return False
    if not path.is_file():
        return True
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) not in (b"", _MAGIC)


def move_aside(path: Path, error: Exception) -> None:
    """Rename a damaged store with its journal, so that a new one can begin."""
    names = (path.with_name(f"{path.name}.damaged{number or ''}") for number in itertools.count())
    aside = next(name for name in names if not os.path.lexists(name))
    _log.warning("Expected the store at %s to be whole. Received: %s; it is moved to %s", path, error, aside)
    path.replace(aside)
    for ending in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(aside.with_name(aside.name + ending))
