"""An output must not be what the run reads: that would destroy it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.config import config_from
from edge.errors import ConfigError
from edge.outputs import check_outputs
from edge.run import build_parser
from tests.processes import run_python


def check(*words: str) -> None:
    arguments = build_parser().parse_args(words)
    check_outputs(arguments, config_from(arguments))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A film and a folder of a photo, below the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "mine.mp4").write_bytes(b"a film")
    (tmp_path / "photos" / "a.jpg").write_bytes(b"a photo")
    (tmp_path / "link.mp4").symlink_to("mine.mp4")
    return tmp_path


@pytest.mark.parametrize("option", ["--json", "--csv", "--store", "--video", "--snapshots"])
@pytest.mark.parametrize("name", ["mine.mp4", "link.mp4", "photos/../mine.mp4", "ABSOLUTE"])
@pytest.mark.parametrize("source", ["mine.mp4", "door=./mine.mp4", "link.mp4", "file:mine.mp4"])
def test_an_output_is_no_source(option: str, name: str, source: str, folder: Path) -> None:
    out = str(folder / "mine.mp4") if name == "ABSOLUTE" else name
    with pytest.raises(ConfigError, match=f"Expected {option} to be no file .* Received: {out}"):
        check("--source", source, option, out)


@pytest.mark.parametrize(
    "words",
    [
        ("--source", "photos", "--snapshots", "photos/"),
        ("--source", "photos", "--json", "photos/a.jpg"),
        ("--source", "demo", "--source", "mine.mp4", "--csv", "mine.mp4"),
        ("--source", "demo", "--model", "mine.mp4", "--json", "mine.mp4"),
        ("--source", "demo", "--mqtt-ca", "mine.mp4", "--store", "mine.mp4"),
    ],
    ids=" ".join,
)
def test_an_output_is_nothing_else_that_is_read(words: tuple[str, ...], folder: Path) -> None:
    with pytest.raises(ConfigError, match="Received: "):
        check(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("--source", "demo", "--json", "demo", "--csv", "demo.csv"),
        ("--source", "photos", "--json", "photos/lines.jsonl", "--snapshots", "photos/faces"),
        ("--source", "mine.mp4", "--video", "photos/mine.mp4"),
        ("--source", "0", "--source", "rtsp://host/0", "--json", "0"),
    ],
    ids=" ".join,
)
def test_other_names_are_taken(words: tuple[str, ...], folder: Path) -> None:
    check(*words)


def test_a_film_is_not_replaced_by_its_recording(tmp_path: Path) -> None:
    film = tmp_path / "mine.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    before = film.read_bytes()
    for option in ("--video", "--json", "--snapshots"):
        ended = run_python("-m", "edge.run", "--headless", "--source", str(film), option, str(film))
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]
