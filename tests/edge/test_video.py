"""Films: their own times, turns and pixels; damage that is passed over, and damage that is proved."""

import logging
import os
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from edge.capture import Source
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.media_type import type_at
from edge.sources import DemoSource, local_path, open_source
from edge.video import FilmClock
from tests.processes import run_python
from tests.rigs.clips import read_stamp, stamped, write_avi
from tests.rigs.films import turned, without_rate, write_changing, write_changing_stream, write_film, write_jpeg_film

CONFIG = EdgeConfig(source="demo")
UNEVEN_MS = [0, 33, 66, 100, 400, 433, 900, 1900, 1933, 5000, 5033, 5066]


def _positions(source: Source) -> list[float]:
    positions = []
    while source.read() is not None:
        assert source.position_s is not None
        positions.append(source.position_s)
    source.close()
    return positions


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.webm"])
def test_uneven_times_are_those_of_the_film(name: str, tmp_path: Path) -> None:
    path = write_film(tmp_path / name, UNEVEN_MS, "libvpx" if name.endswith("webm") else "libx264")
    source = open_source(str(without_rate(path)), CONFIG)
    assert source.fps <= 240
    assert _positions(source) == pytest.approx([ms / 1000 for ms in UNEVEN_MS], abs=0.002)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_is_a_film_with_its_own_times(kind: str, tmp_path: Path) -> None:
    shades = [Image.new("RGB", (64, 48), (gray, gray, gray)) for gray in (40, 90, 140, 190, 240)]
    path = tmp_path / "moving.jpg"  # what it is counts, not its name
    options = {"lossless": True} if kind == "WEBP" else {}
    shades[0].save(
        path, kind, save_all=True, append_images=shades[1:], duration=[100, 200, 300, 400, 500], loop=0, **options
    )
    source, grays, positions = open_source(str(path), CONFIG), [], []
    while (image := source.read()) is not None:
        grays.append(int(image[24, 32, 0]))
        positions.append(source.position_s)
    assert grays == pytest.approx([40, 90, 140, 190, 240], abs=6)
    assert positions == pytest.approx([0, 0.1, 0.3, 0.6, 1.0], abs=0.02)


def test_a_rate_that_can_not_be_true_is_not_believed(tmp_path: Path) -> None:
    data = bytearray(write_avi(tmp_path / "film.avi", 10).read_bytes())
    place = data.index(b"strh") + 8
    data[place + 20 : place + 28] = (1).to_bytes(4, "little") + (90_000).to_bytes(4, "little")
    (tmp_path / "film.avi").write_bytes(data)
    assert _positions(open_source(str(tmp_path / "film.avi"), CONFIG)) == pytest.approx([i / 25 for i in range(10)])


def test_times_that_stand_still_or_jump_go_on_evenly() -> None:
    clock = FilmClock(10.0, believed=True)
    told = [0.0, 0.1, 0.1, 0.0, 0.1, 90_000.0, 90_000.2]
    assert [clock.at(seconds) for seconds in told] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7])


@pytest.mark.parametrize(("degrees", "turn"), [(90, -1), (180, 2), (270, 1)])
def test_a_film_is_turned_as_its_metadata_say(degrees: int, turn: int, tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", [0, 40, 80])
    upright = open_source(str(path), CONFIG).read()
    assert upright is not None
    image = open_source(str(turned(path, degrees)), CONFIG).read()
    assert image is not None
    assert np.array_equal(image, np.rot90(upright, turn))


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(2), (480, 1280)), (Fraction(1, 2), (960, 640))])
def test_pixels_become_square(aspect: Fraction, size: tuple[int, int], tmp_path: Path) -> None:
    image = open_source(str(write_film(tmp_path / "film.mp4", [0, 40], aspect=aspect)), CONFIG).read()
    assert image is not None
    assert image.shape[:2] == size


@pytest.mark.parametrize("name", ["film.mp4", "film.avi"])
def test_a_damaged_spot_is_passed_over_and_named(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / name
    path = write_avi(path, 60) if name == "film.avi" else write_film(path, [i * 33 for i in range(60)])
    data = path.read_bytes()
    place = len(data) // 2
    path.write_bytes(data[:place] + np.random.default_rng(0).bytes(len(data) // 15) + data[place + len(data) // 15 :])
    source = open_source(str(path), CONFIG)
    with caplog.at_level(logging.WARNING):
        positions = _positions(source)
    assert 45 <= len(positions) < 60
    assert positions[-1] > 1.8
    assert source.failed >= 1
    assert "film" in caplog.text
    assert "is damaged after" in caplog.text


def test_a_film_is_called_cut_only_where_bytes_are_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = write_avi(tmp_path / "film.avi", 30).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    with caplog.at_level(logging.WARNING):
        assert len(_positions(open_source(str(tmp_path / "film.avi"), CONFIG))) == 30
        assert not caplog.records
        assert 10 <= len(_positions(open_source(str(tmp_path / "cut.avi"), CONFIG))) <= 16
    assert "is cut" in caplog.text


def test_an_mp4_without_its_index_says_so(tmp_path: Path) -> None:
    data = write_film(tmp_path / "film.mp4", [0, 40, 80]).read_bytes()
    (tmp_path / "film.mp4").write_bytes(data[: data.rindex(b"moov") - 4])
    with pytest.raises(SourceError, match="without its index"):
        open_source(str(tmp_path / "film.mp4"), CONFIG)


WRITE_AV1 = """
import sys, av, numpy
with av.open(sys.argv[1], "w") as container:
    stream = container.add_stream("libsvtav1", rate=30, options={"preset": "12"})
    stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
    for index in range(5):
        image = numpy.full((480, 640, 3), 40 * index, "uint8")
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
    container.mux(stream.encode())
"""
"""In a process of its own: as root this encoder gives its process the highest priority in real time, and keeps it."""


@pytest.mark.skipif("libsvtav1" not in av.codecs_available, reason="this PyAV writes no AV1")
@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_a_codec_that_opencv_lacks_is_named_with_the_remedy(name: str, tmp_path: Path) -> None:
    policy = os.sched_getscheduler(0)
    assert run_python("-c", WRITE_AV1, str(tmp_path / name)).returncode == 0
    assert os.sched_getscheduler(0) == policy
    run = run_python("-m", "edge.run", "--headless", "--source", str(tmp_path / name))
    if run.returncode == 0:
        pytest.skip("this OpenCV reads AV1")
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert "AV1" in run.stderr
    assert "ffmpeg -i IN -c:v libx264" in run.stderr


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_browsers_film_may_change_its_size(codec: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sizes = [(640, 480), (320, 240), (960, 720)]
    source = open_source(str(write_changing(tmp_path / "film.webm", sizes, codec=codec)), CONFIG)
    with caplog.at_level(logging.WARNING):
        seen, positions = [], []
        while (image := source.read()) is not None:
            seen.append((image.shape[1], image.shape[0]))
            positions.append(source.position_s)
            assert np.abs(image.astype(int) - cv2.resize(DemoSource().image(len(seen) - 1), seen[-1])).mean() < 8
        source.close()
    assert seen == [size for size in sizes for _ in range(20)]
    assert positions == pytest.approx([i / 30 for i in range(60)], abs=0.01)
    assert source.failed == 0
    assert not caplog.records


@pytest.mark.parametrize("sizes", [[(320, 240), (640, 480)], [(640, 480), (320, 240)]], ids=["grows", "shrinks"])
def test_another_film_that_changes_its_size_is_left_there_and_named(
    sizes: list[tuple[int, int]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = open_source(str(write_changing_stream(tmp_path / "film.ts", sizes)), CONFIG)
    with caplog.at_level(logging.WARNING):
        positions = _positions(source)
    assert 60 <= len(positions) <= 95
    assert source.failed == 1
    assert "changes the size of its images" in caplog.text


def test_a_still_scene_is_no_change_of_size(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"g": "20"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        image = DemoSource().image(0)
        for _ in range(100):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        container.mux(stream.encode())
    source = open_source(str(tmp_path / "film.mp4"), CONFIG)
    assert len(_positions(source)) == 100
    assert source.failed == 0


def test_a_film_of_jpegs_may_change_its_colour_format(tmp_path: Path) -> None:
    full = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422]
    images = [cv2.imencode(".jpg", stamped(i), full if i == 0 else [])[1].tobytes() for i in range(10)]
    source = open_source(str(write_jpeg_film(tmp_path / "trail.avi", images)), CONFIG)
    stamps = []
    while (image := source.read()) is not None:
        stamps.append(read_stamp(image))
    assert stamps == list(range(10))


@pytest.mark.parametrize(
    "name", [b"12:30:00.mp4", b"caf\xe9.mp4", b"-film.mp4", b"a b%20c.mp4", b"two\nlines.mp4", b"0"]
)
def test_a_name_is_a_name(name: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = write_avi(tmp_path / "film.avi", 3)
    os.rename(film, os.fsencode(tmp_path) + b"/" + name)
    monkeypatch.chdir(tmp_path)
    assert len(_positions(open_source(os.fsdecode(name), CONFIG))) == 3


def test_an_address_of_a_file_is_a_file(tmp_path: Path) -> None:
    write_avi(tmp_path / "my film.avi", 3)
    for address in (f"file://{tmp_path}/my%20film.avi", f"file://localhost{tmp_path}/my film.avi"):
        assert len(_positions(open_source(address, CONFIG))) == 3


def test_a_folder_called_0_is_no_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert local_path("0") is None
    (tmp_path / "0").mkdir()
    assert local_path("0") == Path("0")


def test_a_type_is_told_by_content(tmp_path: Path) -> None:
    write_avi(tmp_path / "film.avi", 2).rename(tmp_path / "film.jpg")
    assert type_at(tmp_path / "film.jpg") == "AVI"
    assert len(_positions(open_source(str(tmp_path / "film.jpg"), CONFIG))) == 2
