"""Results as a table with a row for each face: the CSV of the command, of the app's records and of `edge.export`."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

_PLACE = ("captured_at", "position_s", "device", "source", "file", "frame_index", "track_id")
_BOX = ("x", "y", "width", "height")
_SCORES = ("emotion", "confidence", "quality", "certainty", "intensity", "valence", "arousal")
COLUMNS = (*_PLACE, *_BOX, *_SCORES)
"""The first columns; a score for each of the network's labels follows."""


def face_rows(line: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a result in its JSON form; a line about a camera's state has none."""
    return [] if "state" in line else [_row(line, face) for face in line["faces"]]


def to_csv(rows: Iterable[Mapping[str, Any]], head: Iterable[str] = ()) -> str:
    """The rows as CSV text, below the header `head` if given."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    if head:
        table.writerow(head)
    table.writerows(row.values() for row in rows)
    return text.getvalue()


def _row(line: Mapping[str, Any], face: Mapping[str, Any]) -> dict[str, Any]:
    values = {"file": None, **line, **face, **dict(zip(_BOX, face["box"], strict=True))}
    return {**{name: values[name] for name in COLUMNS}, **face["scores"]}
