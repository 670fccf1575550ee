"""Reads FER-2013 as a table: a csv with the columns `emotion`, `pixels` and `Usage`, whatever program saved it.

It accepts UTF-8 with or without a byte order mark, UTF-16 (a spreadsheet's export), gzip and the challenge's own
tar.gz; commas, semicolons and tabs; classes as numbers or words; and the pixels of any square image. The contents must
be valid: an error names the first wrong row by its number.
"""

import codecs
import csv
import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import DataError
from edge.model_info import LABELS
from train.class_names import OTHER_CLASSES, class_of
from train.images import usage_of

NUMBERS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The order of classes in fer2013.csv, which differs from ours."""
TABLES = ("fer2013.csv", "icml_face_data.csv")
"""The possible names of the table in an archive."""
DAMAGED = (OSError, EOFError, zlib.error, tarfile.TarError)
csv.field_size_limit(1 << 24)  # pixels of large images


@dataclass(frozen=True)
class Row:
    """An image of the table."""

    number: int
    """The row's number from 1; the header is not counted."""
    image: NDArray[np.uint8]
    """(side, side)."""
    label: str
    """One of LABELS or of OTHER_CLASSES."""
    split: str


def is_table(path: Path) -> bool:
    """Whether a file has a table's name, compressed or not."""
    return path.name.lower().endswith((".csv", ".csv.gz", ".tar.gz", ".tgz", ".tsv"))


def read_text(path: Path) -> str:
    """Read the table as text: unpack and decode it.

    Raises:
        DataError: the archive is damaged, or the bytes are not text.
    """
    try:
        return decode(_unpack(path), path)
    except DAMAGED as error:
        raise DataError(f"Expected a whole table of FER-2013. Received: {path}, {error}") from error


def decode(content: bytes, source: Path) -> str:
    """Decode bytes to text: UTF-16 if there is its byte order mark, or zeros; else UTF-8."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if wide else "utf-16-le" if content[1:2] == b"\0" else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"Expected a csv in UTF-8 or UTF-16 at {source}. Received: {error}") from error


def read_rows(text: str, source: Path) -> Iterator[Row]:
    """Yield the table's images, in order.

    Raises:
        DataError: a column is missing, or a row is invalid; the message names the row.
    """
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    columns = [name.strip().lower() for name in next(lines, [])]
    if not {"emotion", "pixels"} <= set(columns):
        raise DataError(f"Expected columns emotion, pixels and Usage in {source}. Received: {columns[:5]}")
    number = 0
    try:
        for number, cells in enumerate((cells for cells in lines if any(cells)), 1):
            yield _row(number, dict(zip(columns, cells, strict=False)))
    except (ValueError, csv.Error) as error:
        raise DataError(f"Expected row {number} of {source} to hold {error}") from error


def _unpack(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.startswith(b"\x1f\x8b"):
        return content
    if not tarfile.is_tarfile(path):
        return gzip.decompress(content)
    with tarfile.open(path) as archive:
        for member in archive:
            if PurePosixPath(member.name).name in TABLES and (file := archive.extractfile(member)):
                return file.read()
    raise DataError(f"Expected {' or '.join(TABLES)} in {path}. Received: an archive without it")


def _delimiter(text: str) -> str:
    heading = text.split("\n", 1)[0]
    return max(",;\t", key=heading.count)


def _row(number: int, cells: dict[str, str]) -> Row:
    """Make a row from its cells by column name; a ValueError says what was expected and received."""
    return Row(number, _image(cells.get("pixels", "")), _label(cells.get("emotion", "").strip()), _split_of(cells))


def _label(cell: str) -> str:
    name = NUMBERS[int(cell)] if cell.isdecimal() and int(cell) < len(NUMBERS) else class_of(cell)
    if name not in (*LABELS, *OTHER_CLASSES):
        raise ValueError(f"an emotion from 0 to 6, or its name. Received: {cell!r}")
    return str(name)


def _image(cell: str) -> NDArray[np.uint8]:
    try:
        values: NDArray[Any] = np.array(cell.split(), np.int64)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"pixels from 0 to 255. Received: {error}") from error
    side = round(len(values) ** 0.5)
    if not values.size or side * side != values.size:
        raise ValueError(f"the pixels of a square image, 2304 for 48x48. Received: {values.size} numbers")
    if values.min() < 0 or values.max() > 255:
        raise ValueError(f"pixels from 0 to 255. Received: {values.min()} to {values.max()}")
    return values.astype(np.uint8).reshape(side, side)


def _split_of(cells: dict[str, str]) -> str:
    if "usage" not in cells:
        return "Training"
    if split := usage_of(cells["usage"]):
        return split
    raise ValueError(f"Usage to be Training, PublicTest or PrivateTest. Received: {cells['usage']!r}")
