"""Names of devices and cameras: twenty of them, and no two alike."""

import csv
import shutil
import subprocess
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest

from edge.config import EdgeConfig
from edge.engine import Engine
from edge.errors import ConfigError, SinkError
from edge.names import APPLICATION, device_id, level, named, own_device
from edge.recording import CsvSink, SnapshotSink
from edge.results import CameraState, CameraStatus
from edge.schema import json_schema, status_to_json, to_json
from tests.fakes import FakeClassifier, FakeDetector, frame_of, result_of

IMAGE = np.zeros((120, 160, 3), np.uint8)
SECRET = "rtsp://me:pa=ss@host:554/a?x=1&y=2"


def a_device(root: Path, machine: str = "", serial: str = "") -> Path:
    """The files by which a device is known."""
    for text, name in ((machine, "etc/machine-id"), (serial, "sys/firmware/devicetree/base/serial-number")):
        if text:
            (root / name).parent.mkdir(parents=True)
            (root / name).write_text(text)
    return root


def test_devices_differ_where_cards_were_copied_and_stay_what_they_are(tmp_path: Path) -> None:
    one, other = "0123456789abcdef" * 2, "f" * 32
    devices = [(one, "1000\0"), (one, "2000\0"), (other, "1000\0"), (one, ""), ("", "1000\0"), ("", ""), (other, "")]
    roots = [a_device(tmp_path / str(number), *device) for number, device in enumerate(devices)]
    ids = [device_id(root) for root in roots]
    assert len(set(ids)) == len(devices)
    assert ids == [device_id(root) for root in roots]
    assert all(len(one) == 12 and one.isalnum() for one in ids)
    assert device_id(a_device(tmp_path / "new", "uninitialized\n")) == device_id(a_device(tmp_path / "none"))


@pytest.mark.skipif(shutil.which("systemd-id128") is None, reason="needs systemd")
def test_the_id_is_systemds_own(tmp_path: Path) -> None:
    command = ["systemd-id128", "machine-id", f"--app-specific={APPLICATION.hex}"]
    ours = subprocess.run(command, capture_output=True, text=True)
    if ours.returncode:
        pytest.skip("no machine id")
    copy = a_device(tmp_path, Path("/etc/machine-id").read_text())
    # systemd marks six bits of the 128 as a random UUID's; the first twelve letters are before them
    assert device_id(copy) == ours.stdout[:12]


@pytest.mark.parametrize(
    ("source", "name", "address"),
    [
        (f"door={SECRET}", "door", SECRET),
        ("Front door 2=0", "Front door 2", "0"),
        ("Tür=/dev/v4l/by-id/usb-a=b", "Tür", "/dev/v4l/by-id/usb-a=b"),
        ("door=films/a=b.mp4", "door", "films/a=b.mp4"),
        (SECRET, "rtsp://host:554/a?x=1&y=2", SECRET),
        ("films/a=b.mp4", "films/a=b.mp4", "films/a=b.mp4"),
        ("file:a=b.mp4", "file:a=b.mp4", "file:a=b.mp4"),
        ("=demo", "=demo", "=demo"),
        ("door=", "door=", "door="),
    ],
)
def test_a_name_goes_before_an_address_and_breaks_none(source: str, name: str, address: str) -> None:
    assert named(source) == (name, address)
    assert EdgeConfig(source=source).cameras == (name,)


def test_a_file_of_that_very_name_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named("door=clip.mp4") == ("door", "clip.mp4")
    Path("door=clip.mp4").touch()
    assert named("door=clip.mp4") == ("door=clip.mp4", "door=clip.mp4")


@pytest.mark.parametrize("sources", [("door=0", "door=1"), ("a b=0", "a_b=1"), (SECRET, SECRET.replace("pa=ss", "no"))])
def test_two_cameras_of_one_name_are_refused_with_the_remedy(sources: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="NAME=SOURCE") as caught:
        EdgeConfig(source=sources)
    assert "pa=ss" not in str(caught.value)
    assert len(EdgeConfig(source=("door=0", "gate=0")).cameras) == 2, "two names may look at one place"


@pytest.mark.parametrize("name", ["a/b", "+", "#", " kitchen", "a\nb", "x" * 65])
def test_a_device_is_named_by_letters_that_a_topic_takes(name: str) -> None:
    with pytest.raises(ConfigError, match="device_name"):
        EdgeConfig(device_name=name)
    assert EdgeConfig(device_name="Kitchen 2").device == "Kitchen 2"
    assert EdgeConfig().device == own_device()
    assert own_device().endswith(device_id())


def test_lines_have_both_names_as_the_schema_says() -> None:
    frame = frame_of(IMAGE, source="door")
    status = CameraStatus.now("door", CameraState.DARK)
    lines = [to_json(result_of(frame), "kitchen"), status_to_json(status, "kitchen")]
    for line in lines:
        jsonschema.validate(line, json_schema())
        assert (line["device"], line["source"]) == ("kitchen", "door")
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**line, "device": None}, json_schema())


def test_photos_carry_their_files_names(tmp_path: Path) -> None:
    for name in ("a.png", "b.c.png"):
        cv2.imwrite(str(tmp_path / name), np.full((120, 160, 3), 90, np.uint8))
    (tmp_path / "aa.png").write_text("no photo")
    config = EdgeConfig(source=f"album={tmp_path}", playback="fast", device_name="kitchen")
    csv_sink, snapshots = CsvSink(tmp_path / "f.csv", config.device), SnapshotSink(tmp_path / "s", device=config.device)
    with Engine(config, detector=FakeDetector(), classifier=FakeClassifier()) as engine:
        for frame, result in engine.results():
            line = to_json(result, config.device)
            jsonschema.validate(line, json_schema())
            assert (line["source"], line["file"]) == ("album", result.file)
            csv_sink.write(frame, result)
            snapshots.write(frame, result)
    with (tmp_path / "f.csv").open(newline="") as file:
        rows = [(row["device"], row["source"], row["file"]) for row in csv.DictReader(file)]
    assert rows == [("kitchen", "album", "a.png"), ("kitchen", "album", "b.c.png")]
    names = sorted(path.name.partition("_")[2] for path in (tmp_path / "s").iterdir())
    assert names == ["kitchen_album_a-png_uncertain_000000.jpg", "kitchen_album_b-c-png_uncertain_000001.jpg"]


def test_a_table_with_other_columns_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "faces.csv"
    path.write_text("captured_at,source\n1,0\n")
    frame = frame_of(IMAGE)
    with pytest.raises(SinkError, match="give another name"):
        CsvSink(path).write(frame, result_of(frame))
    assert path.read_text() == "captured_at,source\n1,0\n"


def test_a_long_name_makes_no_file_that_the_disk_refuses(tmp_path: Path) -> None:
    frame = frame_of(IMAGE, source="ü" * 300)
    SnapshotSink(tmp_path, device="kitchen").write(frame, result_of(frame))
    (path,) = tmp_path.iterdir()
    assert path.name.endswith("_000000.jpg")


def test_levels_are_single() -> None:
    assert level("rtsp://host:554/a b") == "rtsp_host_554_a_b"
    assert "/" not in level("a/b")
    assert level("+#") == "source"
