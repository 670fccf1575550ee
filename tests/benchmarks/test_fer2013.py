"""The data set that the benchmarks measure on: absent is not damaged."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.fer2013 import find_test_images
from edge.errors import DataError
from tests.train import synthetic


def test_data_that_are_absent_are_no_error(tmp_path: Path) -> None:
    assert find_test_images(tmp_path) is None
    found = find_test_images(synthetic.write_folder(tmp_path))
    assert found is not None
    assert len(found) > 0


def _cut_zip(folder: Path) -> None:
    whole = synthetic.write_zip(folder / "whole.zip").read_bytes()
    (folder / "whole.zip").unlink()
    (folder / "fer2013.zip").write_bytes(whole[: len(whole) // 2])


def _empty_csv(folder: Path) -> None:
    (folder / "fer2013.csv").write_text("emotion,pixels,Usage\n")


def _bad_image(folder: Path) -> None:
    with zipfile.ZipFile(synthetic.write_zip(folder / "fer2013.zip"), "a") as archive:
        archive.writestr("test/sad/PublicTest_bad.jpg", b"no image")


@pytest.mark.parametrize("damage", [_cut_zip, _empty_csv, _bad_image])
def test_damaged_data_do_not_count_as_absent(damage: Callable[[Path], None], tmp_path: Path) -> None:
    damage(tmp_path)
    with pytest.raises(DataError, match="Received"):
        find_test_images(tmp_path)
