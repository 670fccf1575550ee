"""Tables of results: collected while the benchmarks run, printed at the end, and written to the docs."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from train.markdown import table

Row: TypeAlias = Mapping[str, object]


class Tables:
    """Tables as rows by title; all rows of a table have the same columns."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {}

    def add(self, title: str, **row: object) -> None:
        """Append one row to a table."""
        self.rows.setdefault(title, []).append(row)


def to_markdown(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    texts = [{name: _text(value) for name, value in row.items()} for row in rows]
    names = list(dict.fromkeys(name for row in texts for name in row))
    return "\n".join(table(names, [[row.get(name, "") for name in names] for row in texts]))


def _text(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"
