"""The rows of a store as CSV, JSON Lines or Parquet, by time and camera.

python -m edge.export results.sqlite --camera door --since 2026-11-26 --out door.csv
"""

import argparse
import contextlib
import datetime
import importlib
import itertools
import json
import math
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from edge.command_line import CommandParser, run_command
from edge.errors import ConfigError, SinkError
from edge.files import replacing
from edge.sinks import checked_place
from edge.store_file import reading
from edge.table import COLUMNS, face_rows, to_csv

FORMATS = ("csv", "jsonl", "parquet")
ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".json": "jsonl", ".parquet": "parquet"}
BATCH = 10_000
"""How many rows of a Parquet file are written at once."""
_DIGITS = re.compile(r"\d{4,8}")
"""A year, a date without hyphens, or a part of one: as Unix seconds, all are older than any store."""


@dataclass(frozen=True)
class Choice:
    """Which rows to export: from `since` on, before `until` (Unix seconds), of these cameras (if empty: of all)."""

    since: float = float("-inf")
    until: float = float("inf")
    cameras: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lines:
    """The JSON lines that were chosen, in the order in which they were stored; they may be read several times."""

    connection: sqlite3.Connection
    choice: Choice

    def __iter__(self) -> Iterator[str]:
        choice = self.choice
        marks = ", ".join("?" * len(choice.cameras))
        cameras = f"AND source IN ({marks})" if marks else ""
        query = f"SELECT line FROM rows WHERE captured_at >= ? AND captured_at < ? {cameras} ORDER BY id"
        values = (choice.since, choice.until, *choice.cameras)
        return (line for (line,) in self.connection.execute(query, values))


def check_cameras(connection: sqlite3.Connection, cameras: Iterable[str]) -> None:
    """Raise a ConfigError if the store has nothing of one of these cameras."""
    known = {source for (source,) in connection.execute("SELECT DISTINCT source FROM rows")} if cameras else set()
    if missing := set(cameras) - known:
        has = f"it has {', '.join(sorted(known))}" if known else "it is empty"
        raise ConfigError(f"Expected a camera of this store: {has}. Received: {', '.join(sorted(missing))}")


def write_jsonl(found: Iterable[str], out: TextIO) -> None:
    """Write results and cameras' states, each as the line that was stored."""
    out.writelines(f"{line}\n" for line in found)


def write_csv(found: Iterable[str], out: TextIO) -> None:
    """Write a row for each face, below a header. `found` is read twice."""
    header = columns(found)
    out.write(to_csv([], head=header))
    for row in _rows(found):
        out.write(to_csv([{name: row.get(name) for name in header}]))


def write_parquet(found: Iterable[str], path: Path) -> None:
    """Write a row for each face, in typed columns. `found` is read twice."""
    arrow = _library("pyarrow")
    parquet = _library("pyarrow.parquet")
    schema, rows = _schema(arrow, columns(found)), _rows(found)
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := list(itertools.islice(rows, BATCH)):
            writer.write_table(arrow.Table.from_pylist(batch, schema=schema))


def columns(found: Iterable[str]) -> list[str]:
    """The columns of all rows, since networks with other labels may have written some of them."""
    return list(dict.fromkeys(itertools.chain(COLUMNS, itertools.chain.from_iterable(_rows(found)))))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    return run_command(lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    parser = _parser()
    arguments = parser.parse_args(argv)
    out: Path | None = arguments.out
    form = arguments.format or (ENDINGS.get(out.suffix.lower()) if out else None) or "csv"
    if form == "parquet" and out is None:
        parser.error("expected --out FILE with --format parquet")
    if out and os.path.realpath(out) == os.path.realpath(arguments.store):
        parser.error(f"Expected --out to be another file than the store. Received: {out}")
    choice = Choice(arguments.since, arguments.until, tuple(arguments.camera or ()))
    with reading(arguments.store) as connection, _place(out) as part:
        connection.execute("BEGIN")  # what a service writes meanwhile is not seen
        parser.checked(lambda: check_cameras(connection, choice.cameras))
        found = Lines(connection, choice)
        if form == "parquet":
            assert part
            write_parquet(found, part)
        else:
            _write_text(write_csv if form == "csv" else write_jsonl, found, part)
    return 0


def _parser() -> CommandParser:
    parser = CommandParser("python -m edge.export", description="Export the rows of a store by time and camera.")
    parser.add_argument("store", type=Path, help="the file given to --store; a service may go on writing to it")
    parser.add_argument("--out", type=Path, help="the file to write (default: standard output)")
    parser.add_argument("--format", choices=FORMATS, help="default: as --out ends, else csv; parquet needs pyarrow")
    parser.add_argument("--camera", action="append", help="only this camera's rows; may be given several times")
    times = "2026, 2026-11-26, 20261126, 2026-11-26T08:30, with +01:00 or as local time, or Unix seconds"
    parser.add_argument("--since", type=_moment, default=float("-inf"), help=f"only rows from this time on: {times}")
    parser.add_argument("--until", type=_moment, default=float("inf"), help="only rows before this time")
    return parser


def _moment(text: str) -> float:
    """Unix seconds."""
    is_plain = bool(_DIGITS.fullmatch(text))
    with contextlib.suppress(ValueError):
        if not is_plain and not math.isnan(seconds := float(text)):
            return seconds
    moment = _with_hyphens(text) if is_plain else text.removesuffix("Z") + "+00:00" * text.endswith("Z")
    try:
        return datetime.datetime.fromisoformat(moment).timestamp()
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(f"expected a time like 2026-11-26T08:30, received {text}") from None


def _with_hyphens(digits: str) -> str:
    """2026 or 20261126 as a date with hyphens."""
    date = f"{digits}0101" if len(digits) == 4 else digits
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


@contextlib.contextmanager
def _place(out: Path | None) -> Iterator[Path | None]:
    """A temporary file that becomes `out` when it is complete; None for standard output."""
    if out is None:
        yield None
        return
    with replacing(checked_place(out)) as part:
        yield part


def _write_text(write: Callable[[Iterable[str], TextIO], None], found: Iterable[str], part: Path | None) -> None:
    if part is None:
        write(found, sys.stdout)
        return
    with part.open("w", encoding="utf-8", newline="") as file:
        write(found, file)


def _rows(found: Iterable[str]) -> Iterator[dict[str, Any]]:
    return (row for line in found for row in face_rows(json.loads(line)))


def _schema(arrow: Any, names: Iterable[str]) -> Any:
    """The types of the columns, whatever the rows hold: what is not a number is text."""
    whole, text = ("frame_index", "track_id", "x", "y", "width", "height"), ("device", "source", "file", "emotion")
    kinds = {**dict.fromkeys(whole, arrow.int64()), **dict.fromkeys(text, arrow.string())}
    return arrow.schema([(name, kinds.get(name, arrow.float64())) for name in names])


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SinkError(f"Expected pyarrow for Parquet: pip install '.[parquet]'. Received: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
