"""Files that are whole or not there at all, and questions to the file system that always have an answer."""

import os
import stat
from pathlib import Path

import pytest

from edge.files import is_dir, is_file, replacing


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_text("old")
    with replacing(path) as part:
        part.write_text("new")
        assert part.suffix == path.suffix
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_all_is_as_before(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    with pytest.raises(ZeroDivisionError), replacing(path) as part:
        part.write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_or_device_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with replacing(path) as part:
        assert part == path
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_names_that_can_not_be_are_no_files(tmp_path: Path) -> None:
    assert is_dir(tmp_path)
    assert not is_file(tmp_path)
    assert not is_file(Path("a\0b"))
    assert not is_dir(Path("x" * 5000))
