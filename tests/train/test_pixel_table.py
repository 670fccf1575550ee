"""fer2013.csv as spreadsheets and archives leave it, and rows that are refused by their number."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.errors import DataError
from edge.model_info import LABELS
from tests.train import synthetic
from train.data import load_fer2013


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return synthetic.write_csv(tmp_path / "fer2013.csv")


def _with_bom(path: Path) -> Path:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    return path


def _utf16(path: Path) -> Path:
    path.write_text(path.read_text(), encoding="utf-16")
    return path


def _utf16_without_mark(path: Path) -> Path:
    path.write_text(path.read_text(), encoding="utf-16-le")
    return path


def _gzipped(path: Path) -> Path:
    packed = path.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


def _as_the_challenge_gave_it(path: Path) -> Path:
    packed = path.with_name("fer2013.tar.gz")
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(path, "fer2013/fer2013.csv")
    return packed


def _with_semicolons(path: Path) -> Path:
    path.write_text(path.read_text().replace(",", ";"))
    return path


def _with_windows_lines_and_gaps(path: Path) -> Path:
    path.write_text(path.read_text().replace("\n", "\r\n\r\n"), newline="")
    return path


SAVED = [
    _with_bom,
    _utf16,
    _utf16_without_mark,
    _gzipped,
    _as_the_challenge_gave_it,
    _with_semicolons,
    _with_windows_lines_and_gaps,
]


@pytest.mark.parametrize("save", SAVED, ids=[save.__name__.lstrip("_") for save in SAVED])
def test_a_table_is_read_however_it_was_saved(save: Callable[[Path], Path], table: Path) -> None:
    expected = load_fer2013(table)
    dataset = load_fer2013(save(table))
    assert (dataset.images == expected.images).all()
    assert (dataset.labels == expected.labels).all()
    assert (dataset.splits == expected.splits).all()


def rows(*lines: str, heading: str = "emotion,pixels,Usage") -> str:
    return "\n".join([heading, f"3,{pixels()},Training", *lines])


def pixels(count: int = 2304, value: object = 7) -> str:
    return " ".join([str(value)] * count)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"3,{pixels(value=300)},Training", "pixels from 0 to 255.*300"),
        (f"3,{pixels(value=-1)},Training", "pixels from 0 to 255.*-1"),
        (f"3,{pixels(value=1.5)},Training", "pixels from 0 to 255"),
        (f"3,{pixels(value=10**30)},Training", "pixels from 0 to 255"),
        (f"3,{pixels(2303)},Training", "2303 numbers"),
        ("3,,Training", "0 numbers"),
        (f"7,{pixels()},Training", "an emotion from 0 to 6.*'7'"),
        (f"-1,{pixels()},Training", "an emotion from 0 to 6.*'-1'"),
        (f",{pixels()},Training", "an emotion from 0 to 6"),
        (f"3,{pixels()},Sometimes", "Usage to be Training.*'Sometimes'"),
        (f"3,{pixels()},", "Usage to be Training"),
    ],
)
def test_a_wrong_row_is_refused_by_its_number(line: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(rows(line))
    with pytest.raises(DataError, match=f"row 2 .*{says}"):
        load_fer2013(path)


def test_without_a_split_every_row_is_for_training(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"emotion,pixels\n3,{pixels()}\nHappiness,{pixels()}\n")
    dataset = load_fer2013(path)
    assert dataset.splits.tolist() == ["Training"] * 2
    assert dataset.labels.tolist() == [LABELS.index("happy")] * 2


def test_classes_that_the_networks_lack_are_named_and_larger_images_resized(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"emotion,pixels\nhappy,{pixels(96 * 96, 9)}\ncontempt,{pixels()}\n")
    dataset = load_fer2013(path)
    assert (dataset.images == np.full((1, 48, 48), 9)).all()
    assert list(dataset.left_out.values()) == [("row 2",)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1f\x8b damaged",
        b"emotion;Usage\n3;Training",
        b"\xff\xfe\x00",
        b"\xff\x00\xfe text",
        b"a,b\n1,2",
    ],
)
def test_what_is_no_table_is_one_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"^Expected .*Received: "):
        load_fer2013(path)


def test_an_archive_without_the_table_is_an_error(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "fer2013.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("readme"), io.BytesIO())
    with pytest.raises(DataError, match=r"fer2013\.csv"):
        load_fer2013(tmp_path / "fer2013.tar.gz")
