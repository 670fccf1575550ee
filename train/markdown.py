"""Markdown for all reports: tables, and replacing the part of a document between two comments."""

import re
from collections.abc import Iterable, Sequence

from edge.errors import DataError


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a table, with columns aligned also as plain text; columns of figures are aligned to the right."""
    texts = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(3, *(len(row[column]) for row in texts)) for column in range(len(head))]
    right = [_is_figures([row[column] for row in texts[1:]]) for column in range(len(head))]
    rule = ["-" * (width - 1) + ":" if to_right else "-" * width for width, to_right in zip(widths, right, strict=True)]
    return [_line(row, widths, right) for row in (texts[0], rule, *texts[1:])]


def between_marks(text: str, mark: str, content: str) -> str:
    """Replace what is between the comments `mark` and `/mark` in a text by `content`.

    Raises:
        DataError: the text has no such comments.
    """
    pattern = rf"(?<=<!-- {mark} -->\n).*(?=<!-- /{mark} -->)"
    replaced, count = re.subn(pattern, lambda _: content, text, flags=re.DOTALL)
    if not count:
        raise DataError(f"Expected <!-- {mark} --> and <!-- /{mark} --> in the document. Received: a text without them")
    return replaced


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = (c.rjust(w) if to_right else c.ljust(w) for c, w, to_right in zip(cells, widths, right, strict=True))
    return "| " + " | ".join(aligned) + " |"


def _is_figures(cells: Sequence[str]) -> bool:
    return any(cells) and all(re.fullmatch(r"([-+]?[\d.,]+ ?%?|-|)", cell) for cell in cells)
