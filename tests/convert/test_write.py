"""Files that are all there or none."""

from pathlib import Path

import pytest

from convert.write import write_all
from edge.errors import ModelError
from tests.processes import run_python

FULL_DISK = """
import resource, sys
from pathlib import Path
from convert.write import write_all
from edge.errors import ModelError

resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
folder = Path(sys.argv[1])
try:
    write_all({folder / "a": b"new", folder / "b": bytes(20_000)})
except ModelError as error:
    print(error)
"""
"""Its kernel refuses bytes beyond 10 kB a file, as a full disk does. In a process of its own: pytest's output may be a
file too."""


def test_files_are_written_whole(tmp_path: Path) -> None:
    write_all({tmp_path / "new" / "a": b"1", tmp_path / "b": b"2"})
    assert (tmp_path / "new" / "a").read_bytes() == b"1"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["b", "new"]


def test_a_full_disk_leaves_the_old_files_and_no_part_of_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    done = run_python("-c", FULL_DISK, str(tmp_path))
    assert done.stdout.startswith(f"Expected to write {tmp_path / 'b'}. Received: "), done.stderr
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"a": b"old"}


def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(ModelError, match=r"^Expected to write .*taken/a\. Received: "):
        write_all({tmp_path / "taken" / "a": b"1"})
