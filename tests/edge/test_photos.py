"""Photos: what a file says of its image is asked, and one that is bad does not end the others."""

import io
import logging
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.photos import ImageSource, decode
from edge.results import BgrImage
from edge.sources import PORTRAIT, open_source
from tests.processes import run_python

CONFIG = EdgeConfig(source="demo")
WHOLE = PORTRAIT.read_bytes()


def _quarters() -> BgrImage:
    """Four colours in its corners: every turn and flip of it looks different."""
    image = np.zeros((40, 80, 3), np.uint8)
    image[:20, :40], image[:20, 40:], image[20:, :40], image[20:, 40:] = (0, 0, 255), (0, 255, 0), (255, 0, 0), 255
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_photo_is_upright_in_every_format(kind: str, orientation: int) -> None:
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    exif[0x0110] = "a telephone"
    exif.endian = ">" if orientation % 2 else "<"
    Image.fromarray(_quarters()[:, :, ::-1].copy()).save(file, kind, exif=exif)
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(file.getvalue()))).convert("RGB")
    image = decode(file.getvalue())
    assert image is not None
    assert image.shape[:2] == (shown.height, shown.width)
    assert np.abs(image[:, :, ::-1].astype(int) - np.asarray(shown)).mean() < 5


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_more_bits_than_eight_are_neither_black_nor_white(bits: int, suffix: str) -> None:
    ramp = np.broadcast_to(np.linspace(0, (1 << bits) - 1, 256).astype(np.uint16), (16, 256))
    image = decode(cv2.imencode(suffix, ramp)[1].tobytes())
    assert image is not None
    assert image.dtype == np.uint8
    assert np.abs(image[8, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_a_tiff_of_floats_has_gray_levels() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 256, dtype=np.float32), (16, 256))
    image = decode(cv2.imencode(".tif", ramp)[1].tobytes())
    assert image is not None
    assert image.shape == (16, 256, 3)
    assert abs(int(image[8, 128, 0]) - 128) < 4


@pytest.mark.parametrize(
    "trailer",
    [
        b"MotionPhoto_Data\0\0\0\x18ftypmp42" + bytes(range(256)) * 200 + b"\xff\xda" + bytes(5000),
        b"\xff\xd8\xff\xe1 a second image, cut off",
        b"\0" * 4096,
    ],
    ids=["film", "second image", "zeros"],
)
def test_what_follows_the_end_of_a_jpeg_is_none_of_it(trailer: bytes) -> None:
    image, alone = decode(WHOLE + trailer), decode(WHOLE)
    assert image is not None
    assert alone is not None
    assert np.array_equal(image, alone)


def test_a_jpeg_is_cut_where_part_of_its_image_is_missing() -> None:
    assert decode(WHOLE.removesuffix(b"\xff\xd9")) is not None  # some cameras leave the end marker out
    assert decode(WHOLE[: len(WHOLE) // 2]) is None
    assert decode(WHOLE[:-400] + bytes(400)) is None  # a copy that failed


def _folder(path: Path) -> Path:
    """Two good photos among everything that is found in folders of photos."""
    path.mkdir()
    for name in ("a.jpg", "z.jpg", "phone.HEIC"):  # the last is a JPEG that was only renamed
        (path / name).write_bytes(WHOLE)
    (path / "cut.jpg").write_bytes(WHOLE[:4096])
    (path / "empty.png").touch()
    (path / "._a.jpg").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ")
    (path / "real.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    (path / "folder.jpg").mkdir()
    (path / "loop.jpg").symlink_to("loop.jpg")
    (path / "gone.jpg").symlink_to("nowhere.jpg")
    (path / "notes.txt").write_text("no photo")
    return path


def test_bad_photos_are_named_and_the_others_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        source = open_source(str(_folder(tmp_path / "album")), CONFIG)
        images = 0
        while source.read() is not None:
            images += 1
    assert images == 3
    assert source.failed == 7
    for name in ("cut.jpg", "empty.png", "._a.jpg", "real.heic", "folder.jpg", "loop.jpg", "gone.jpg", "notes.txt"):
        assert sum(name in record.getMessage() for record in caplog.records) == 1, name
    assert "convert it to JPEG" in caplog.text


def test_the_command_counts_bad_photos_and_ends_with_code_1(tmp_path: Path) -> None:
    run = run_python("-m", "edge.run", "--headless", "--source", str(_folder(tmp_path / "album")))
    assert run.returncode == 1
    assert len(run.stdout.splitlines()) == 3
    assert [f'"frame_index":{index},' in run.stdout for index in (1, 7, 9)] == [True] * 3  # their places by name
    assert "7 items could not be read" in run.stderr
    assert "Traceback" not in run.stderr


def test_nothing_read_is_no_success(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(WHOLE[:4096])
    source = open_source(str(tmp_path), CONFIG)
    with pytest.raises(SourceError, match="Received: none of 2"):
        source.read()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_photo_without_permission_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(WHOLE)
    (tmp_path / "a.jpg").chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        open_source(str(tmp_path / "a.jpg"), CONFIG)


@pytest.mark.parametrize(("kind", "head"), [("AVIF", b"avif"), ("HEIC", b"heic")])
def test_a_format_that_opencv_lacks_is_named_with_the_remedy(kind: str, head: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\0\0\0\x18ftyp" + head + bytes(100))
    with pytest.raises(SourceError, match=f"Received: {kind}, which OpenCV does not read; convert it"):
        open_source(str(tmp_path / "a.jpg"), CONFIG)


def test_a_photo_is_one_whatever_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "12:30.mp4").write_bytes(WHOLE)
    assert isinstance(open_source(str(tmp_path / "12:30.mp4"), CONFIG), ImageSource)


@pytest.mark.parametrize(
    ("name", "word"), [("b.gif", "as a film"), ("b.png", "is animated"), ("b.webp", "is animated")]
)
def test_an_animation_among_photos_is_told(
    name: str, word: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shades = [Image.new("RGB", (64, 48), (gray, gray, gray)) for gray in (40, 140, 240)]
    shades[0].save(tmp_path / name, save_all=True, append_images=shades[1:], duration=100)
    (tmp_path / "a.jpg").write_bytes(WHOLE)
    source = open_source(str(tmp_path), CONFIG)
    with caplog.at_level(logging.WARNING):
        while source.read() is not None:
            pass
    assert name in caplog.text
    assert word in caplog.text
