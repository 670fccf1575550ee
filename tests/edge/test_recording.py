"""Recordings that live as long as the service: a disk that is full for a moment, files that are moved away."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import SinkError
from edge.recording import SnapshotSink, VideoSink
from edge.results import BgrImage
from tests.fakes import frame_of, result_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an open file can't be moved there")


def noise(index: int) -> BgrImage:
    return np.random.default_rng(index).integers(0, 256, (240, 320, 3), np.uint8)


def frames_in(path: Path) -> int:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    count = 0
    while capture.read()[0]:
        count += 1
    return count


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


@pytest.mark.parametrize("label", ["N/A", "a.b", "…" * 300])
def test_any_label_makes_a_name(label: str, tmp_path: Path) -> None:
    sink = SnapshotSink(tmp_path)
    write(sink, 0, label)
    write(sink, 1, "happy")
    assert len(list(tmp_path.iterdir())) == 2
