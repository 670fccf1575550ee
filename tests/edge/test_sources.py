"""What each kind of source gives, and what it says when it can't."""

import tempfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture import CaptureSource, Source
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.photos import ImageSource
from edge.results import BgrImage
from edge.sources import DemoSource, is_live, open_source
from edge.video import VideoSource
from tests.rigs.clips import read_stamp, write_avi

CONFIG = EdgeConfig(source="demo")


def _all(source: Source) -> list[BgrImage]:
    images = []
    while (image := source.read()) is not None:
        images.append(image)
    return images


def test_the_demo_is_the_same_every_time_and_moves() -> None:
    one, other = DemoSource(), DemoSource()
    images = [one.read() for _ in range(40)]
    assert all(np.array_equal(image, other.image(index)) for index, image in enumerate(images[::13]) if not index)
    assert np.array_equal(images[39], other.image(39))
    assert not np.array_equal(images[0], images[39])
    assert images[0].shape == (480, 640, 3)


def test_a_folder_gives_its_images_by_name(tmp_path: Path) -> None:
    for name, gray in (("b.png", 20), ("a.png", 10), ("c.png", 30)):
        cv2.imwrite(str(tmp_path / name), np.full((8, 8, 3), gray, np.uint8))
    (tmp_path / "notes.txt").write_text("no image")
    source = ImageSource(tmp_path)
    grays = [int(image[0, 0, 0]) for image in _all(source)]
    assert grays == [10, 20, 30]


def test_a_video_gives_every_frame(tmp_path: Path) -> None:
    source = VideoSource(write_avi(tmp_path / "clip.avi", 12))
    stamps = [read_stamp(image) for image in _all(source)]
    source.close()
    assert stamps == list(range(12))
    assert source.fps == pytest.approx(30)


def _cut_jpeg(folder: Path) -> Path:
    ok, data = cv2.imencode(".jpg", DemoSource().image(0))
    assert ok
    (folder / "cut.jpg").write_bytes(data.tobytes()[: len(data) // 2])
    return folder / "cut.jpg"


def _text_as_video(folder: Path) -> Path:
    (folder / "clip.mp4").write_text("no video")
    return folder / "clip.mp4"


@pytest.mark.parametrize("make", [_cut_jpeg, _text_as_video, lambda folder: folder, lambda folder: folder / "none.png"])
def test_what_can_not_be_read_is_a_source_error_that_names_it(make: object, tmp_path: Path) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    with pytest.raises(SourceError, match=r"Received: .+") as caught:
        open_source(str(path), CONFIG)
    assert str(path) in str(caught.value)


def test_an_image_that_is_too_large_for_opencv_is_a_source_error(tmp_path: Path) -> None:
    ok, data = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))
    assert ok
    head = b"IHDR" + (40_000).to_bytes(4, "big") * 2 + data.tobytes()[24:29]
    huge = data.tobytes()[:12] + head + zlib.crc32(head).to_bytes(4, "big") + data.tobytes()[33:]
    (tmp_path / "huge.png").write_bytes(huge)
    with pytest.raises(SourceError, match=r"huge\.png"):
        open_source(str(tmp_path / "huge.png"), CONFIG)


def test_files_below_dev_are_files(tmp_path: Path) -> None:
    assert is_live("/dev/video0")
    assert is_live("/dev/v4l/by-id/usb-camera")
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".mp4") as file:
        assert not is_live(file.name)


def test_a_missing_camera_names_the_remedy() -> None:
    with pytest.raises(SourceError, match="--source demo"):
        open_source("63", CONFIG)


class FlatCapture:
    """A driver that offers BGR3: OpenCV gives one flat row."""

    def get(self, what: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, np.ndarray]:
        return True, np.zeros((1, 640 * 480 * 3), np.uint8)


def test_a_flat_row_of_a_driver_is_no_image() -> None:
    with pytest.raises(SourceError, match=r"\(1, 921600\)"):
        CaptureSource(FlatCapture(), "camera 0").read()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("file://me:hunter2@host/film.mp4", "file://host/film.mp4"),
        ("me:hunter2@192.168.1.5/stream", "192.168.1.5/stream"),
        ("films/me@home.mp4", "films/me@home.mp4"),
    ],
)
def test_an_address_that_is_taken_for_a_file_hides_its_password(name: str, shown: str) -> None:
    with pytest.raises(SourceError) as raised:
        open_source(name, EdgeConfig())
    assert str(raised.value).endswith(f"no file at {shown}")
