"""Lines that go on when their file is rotated, its disk is full for a moment, or its reader comes and goes."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge import line_file
from edge.errors import SinkError
from edge.line_file import LineFile, StreamLines

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rotation and pipes are POSIX's")


def _rename(path: Path) -> None:
    path.rename(path.with_name("results.1"))


def _copy_and_cut(path: Path) -> None:
    shutil.copy(path, path.with_name("results.1"))
    os.truncate(path, 0)


def _delete(path: Path) -> None:
    path.unlink()


def _put_another_in_its_place(path: Path) -> None:
    path.with_name("new").touch()
    path.with_name("new").replace(path)


@pytest.mark.parametrize("rotate", [_rename, _copy_and_cut, _delete, _put_another_in_its_place])
def test_a_rotated_file_is_followed(rotate: Callable[[Path], None], tmp_path: Path) -> None:
    lines = LineFile(tmp_path / "results")
    lines.write("1\n2\n", head="head\n")
    rotate(tmp_path / "results")
    lines.write("3\n", head="head\n")
    lines.write("4\n", head="head\n")
    lines.reopen()
    assert (tmp_path / "results").read_text() == "head\n3\n4\n"
    if (tmp_path / "results.1").exists():
        assert (tmp_path / "results.1").read_text() == "head\n1\n2\n"


def test_a_folder_that_goes_and_comes_back_is_found_again(tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    lines = LineFile(tmp_path / "stick" / "results")
    lines.write("1\n")
    shutil.rmtree(tmp_path / "stick")
    with pytest.raises(FileNotFoundError):
        lines.write("2\n")
    (tmp_path / "stick").mkdir()
    lines.write("3\n")
    lines.reopen()
    assert (tmp_path / "stick" / "results").read_text() == "3\n"


def test_no_line_is_torn_by_a_disk_that_was_full_for_a_moment(tmp_path: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path; from edge.line_file import LineFile, StreamLines\n"
        "def room(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))\n"
        "lines = LineFile(Path(sys.argv[1])); room(95)\n"
        "for number in range(40):\n"
        "    if number == 30: room(resource.RLIM_INFINITY)\n"
        "    try: lines.write(f'line {number:04d}\\n')\n"
        "    except OSError: pass\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "results")], check=True)
    written = (tmp_path / "results").read_text().splitlines()
    assert written == [f"line {number:04d}" for number in [*range(10), *range(30, 40)]]


@pytest.mark.alone
def test_a_pipe_without_a_reader_costs_no_time_and_is_found_by_the_next_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    lines = LineFile(tmp_path / "pipe")
    started_s = time.monotonic()
    for _ in range(2):
        with pytest.raises(OSError, match="No such device"):
            lines.write("1\n")
    assert time.monotonic() - started_s < 0.5
    for number in range(2):  # the second reader comes after the first has left
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        lines.write(f"{number}\n")
        assert os.read(reader, 100) == b"%d\n" % number
        os.close(reader)
        with pytest.raises(SinkError, match="it has left"):
            lines.write("nobody\n")


def test_a_reader_that_sleeps_stops_the_loop_for_a_moment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_file, "PATIENCE_S", 0.1)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    lines = LineFile(tmp_path / "pipe")
    started_s = time.monotonic()
    with pytest.raises(BlockingIOError):
        for _ in range(1000):
            lines.write("x" * 999 + "\n")
    assert time.monotonic() - started_s < 5
    os.set_blocking(reader, True)
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.extend(iter(lambda: os.read(reader, 65536), b"")))
    thread.start()
    lines.write("y" * 999 + "\n")
    lines.reopen()
    thread.join(10)
    os.close(reader)
    assert {len(line) for line in b"".join(read).splitlines()} == {999}


def test_a_stream_whose_reader_sleeps_holds_up_what_can_wait_and_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_file, "PATIENCE_S", 0.1)
    reader, writer = os.pipe()
    stop = threading.Event()
    with os.fdopen(writer, "w") as stream:
        lines = StreamLines(stream, stop)
        with pytest.raises(BlockingIOError, match="does not read"):
            for _ in range(1000):
                lines.write("x" * 999 + "\n", can_wait=False)
        threading.Timer(0.5, stop.set).start()
        started_s = time.monotonic()
        with pytest.raises(BlockingIOError):
            lines.write("y" * 5000 + "\n")
        assert 0.3 < time.monotonic() - started_s < 5
        stop.clear()
        drained: list[bytes] = []
        thread = threading.Thread(target=lambda: drained.extend(iter(lambda: os.read(reader, 65536), b"")))
        thread.start()
        lines.write("z" * 999 + "\n")
    thread.join(10)
    os.close(reader)
    assert {len(line) for line in b"".join(drained).splitlines()} <= {999, 5000}


def test_a_file_that_can_not_be_read_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("half a li")
    lines = LineFile(tmp_path / "results")
    lines.write("1\n")
    lines.reopen()
    assert (tmp_path / "results").read_text() == "half a li\n1\n"


def test_a_name_that_is_not_utf8_is_written_readably(tmp_path: Path) -> None:
    lines = LineFile(tmp_path / "results")
    lines.write(os.fsdecode(b"caf\xe9") + "\n")
    lines.reopen()
    assert (tmp_path / "results").read_text("utf-8") == "caf\\udce9\n"


def test_a_terminal_that_was_closed_is_a_reader_that_has_left() -> None:
    terminal, ours = os.openpty()
    with os.fdopen(ours, "w") as stream:
        lines = StreamLines(stream)
        lines.write("1\n")
        os.close(terminal)
        with pytest.raises(BrokenPipeError):
            lines.write("2\n")
