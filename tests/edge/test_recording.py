"""Recordings that live as long as the service: a disk that is full for a moment, files that are moved away."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import SinkError
from edge.recording import SnapshotSink, VideoSink
from edge.results import BgrImage
from tests.fakes import frame_of, result_of
from tests.processes import run_python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an open file can't be moved there")


def noise(index: int) -> BgrImage:
    return np.random.default_rng(index).integers(0, 256, (240, 320, 3), np.uint8)


def images_in(path: Path) -> Iterator[BgrImage]:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    while (read := capture.read())[0]:
        yield read[1]  # type: ignore[misc]


def frames_in(path: Path) -> int:
    return sum(1 for _ in images_in(path))


def write(sink: VideoSink | SnapshotSink, index: int, emotion: str = "happy") -> None:
    frame = frame_of(noise(index), index, captured_monotonic_s=100 + index / 10)
    sink.write(frame, result_of(frame, emotion))


FULL_FOR_A_WHILE = """
import resource, sys
from pathlib import Path
from edge.fan_out import FanOut
from edge.recording import CsvSink, SnapshotSink, VideoSink
from tests.edge.test_recording import noise
from tests.fakes import RecordingSink, frame_of, result_of

folder, now_s = Path(sys.argv[1]), [0.0]
video, others = VideoSink(folder / "clip.avi", 10), [SnapshotSink(folder / "s"), CsvSink(folder / "faces.csv")]
fan_out = FanOut([RecordingSink(), video, *others], clock_s=lambda: now_s[0])
for index in range(240):
    now_s[0] += 1
    room = 20_000 if 40 <= index < 160 else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    frame = frame_of(noise(index), index, captured_monotonic_s=100 + index / 10)
    fan_out.write(frame, result_of(frame, "happy" if index // 10 % 2 else "sad"))
video.close()
"""


def test_every_recording_goes_on_after_a_disk_that_was_full(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FULL_FOR_A_WHILE, str(tmp_path)], check=True, capture_output=True)
    assert frames_in(tmp_path / "clip.avi") > 20
    assert frames_in(tmp_path / "clip-2.avi") > 40
    assert not list(tmp_path.glob(".*")), "nothing that was tried is left"
    numbers = sorted(int(path.stem.split("_")[-1]) for path in (tmp_path / "s").iterdir())
    assert numbers == list(range(len(numbers)))
    assert all(cv2.imread(str(path)) is not None for path in (tmp_path / "s").iterdir())
    rows = (tmp_path / "faces.csv").read_text().splitlines()
    assert rows[-1].split(",")[5] == "239"
    assert len({len(row.split(",")) for row in rows}) == 1


@pytest.mark.parametrize("name", ["clip.avi", "clip.mp4"])
def test_a_video_that_is_moved_away_begins_anew(name: str, tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / name, fps=10)
    for index in range(30):
        write(sink, index)
    (tmp_path / name).rename(tmp_path / f"kept-{name}")
    with pytest.raises(SinkError, match="a video to"):
        for index in range(30, 60):
            write(sink, index)
    for index in range(60, 90):
        write(sink, index)
    sink.close()
    assert frames_in(tmp_path / f"kept-{name}") >= 30
    assert frames_in(tmp_path / name) == 30
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, f"kept-{name}"]


RUN_UNTIL_KILLED = """
import os, signal, sys
from pathlib import Path
from edge.recording import VideoSink
from tests.edge.test_recording import write

sink = VideoSink(Path(sys.argv[1]), fps=10)
for index in range(40):
    write(sink, index)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_service_that_starts_again_keeps_what_a_kill_left(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        assert run_python("-c", RUN_UNTIL_KILLED, str(tmp_path / "door.avi")).returncode == -9
        assert len(list(tmp_path.iterdir())) == number
    for name in ("door.avi", "door-2.avi", "door-3.avi"):
        assert frames_in(tmp_path / name) > 20, name


def test_a_video_that_exists_is_kept_and_the_new_name_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "clip.avi").write_text("somebody's own")
    sink = VideoSink(tmp_path / "clip.avi", fps=10)
    with caplog.at_level(logging.WARNING):
        write(sink, 0)
    sink.close()
    assert (tmp_path / "clip.avi").read_text() == "somebody's own"
    assert frames_in(tmp_path / "clip-2.avi") == 1
    assert f"goes to {tmp_path / 'clip-2.avi'}" in caplog.text


@pytest.mark.parametrize(("fps", "each"), [(10.0, 10), (0.5, 1)])
@pytest.mark.parametrize("step_s", [0.001, 0.05, 30.0])
def test_each_photo_is_shown_for_a_second_however_fast_it_was_read(
    fps: float, each: int, step_s: float, tmp_path: Path
) -> None:
    sink = VideoSink(tmp_path / "photos.avi", fps)
    for index in range(5):
        frame = frame_of(np.full((240, 320, 3), 40 * index, np.uint8), index, 100 + index * step_s)
        sink.write(replace(frame, is_still=True), replace(result_of(frame), faces=()))
    sink.close()
    assert [round(image.mean() / 40) for image in images_in(tmp_path / "photos.avi")] == [
        index for index in range(5) for _ in range(each)
    ]


def test_a_snapshot_that_could_not_be_written_comes_with_the_next_frame(tmp_path: Path) -> None:
    sink = SnapshotSink(tmp_path / "s")
    write(sink, 0, "happy")
    (tmp_path / "s").rename(tmp_path / "away")
    (tmp_path / "s").write_text("a file in its place")
    with pytest.raises(SinkError, match="an image to"):
        write(sink, 1, "sad")
    (tmp_path / "s").unlink()
    write(sink, 2, "sad")
    assert [path.name.split("_", 3)[-1] for path in (tmp_path / "s").iterdir()] == ["sad_000000.jpg"]


@pytest.mark.parametrize("place", ["/archive" * 40, "/Ä" * 150])
def test_a_long_path_leaves_the_label_in_a_snapshots_name(place: str, tmp_path: Path) -> None:
    sink = SnapshotSink(tmp_path, device="kitchen")
    frame = frame_of(noise(0), captured_monotonic_s=100, source=f"{place}/hall.mp4")
    sink.write(frame, result_of(frame, "happy"))
    (name,) = (path.name for path in tmp_path.iterdir())
    assert "_kitchen_" in name
    assert name.endswith("_hall-mp4_happy_000000.jpg")


@pytest.mark.parametrize("label", ["N/A", "a.b", "…" * 300])
def test_any_label_makes_a_name(label: str, tmp_path: Path) -> None:
    sink = SnapshotSink(tmp_path)
    write(sink, 0, label)
    write(sink, 1, "happy")
    assert len(list(tmp_path.iterdir())) == 2
