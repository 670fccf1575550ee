"""The CSI camera's source against a stand-in of its library (the real one runs on a Raspberry Pi alone)."""

import sys
from concurrent.futures import TimeoutError as TimedOut
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.pipeline import Pipeline
from edge.results import Frame
from edge.sources import DemoSource, open_source
from tests.fakes import FakeClassifier


class FakePicamera2:
    """Gives the demo's image, and its small YUV image with padded rows in each plane, as the hardware does."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.hangs = False

    def create_video_configuration(self, **streams: Any) -> dict[str, Any]:
        return streams

    def configure(self, streams: dict[str, Any]) -> None:
        self.streams = streams

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")

    def cancel_all_and_flush(self) -> None:
        self.calls.append("cancel")

    def capture_arrays(self, names: list[str], wait: float) -> tuple[list[np.ndarray], dict[str, int]]:
        if self.hangs:
            raise TimedOut  # what the library does after `wait` seconds
        image = DemoSource().image(0)
        small = cv2.resize(image, self.streams["lores"]["size"], interpolation=cv2.INTER_AREA)
        padded = np.pad(small, ((0, 0), (0, 32), (0, 0)))
        return [image, cv2.cvtColor(padded, cv2.COLOR_BGR2YUV_I420)], {}

    def capture_metadata(self, wait: float) -> dict[str, int]:
        self.calls.append("skip")
        return {}


def test_detection_works_on_the_small_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=FakePicamera2))
    config = EdgeConfig(source="picamera2")
    source = open_source("picamera2", config)
    source.skip()
    image = source.read()
    source.close()
    assert image is not None
    assert source.small is not None
    assert source.small.shape == (240, 320, 3)
    wanted = cv2.resize(image, (320, 240), interpolation=cv2.INTER_AREA)
    assert np.abs(source.small.astype(int) - wanted).mean() < 1.5
    frame = Frame(image, 0, 0.0, 0.0, "picamera2", small=source.small)
    (face,) = Pipeline(config, classifier=FakeClassifier()).process(frame).faces
    assert abs(face.box.x - 258) < 20


def test_a_camera_that_hangs_is_an_error_and_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = FakePicamera2()
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=lambda: camera))
    source = open_source("picamera2", EdgeConfig(source="picamera2", read_timeout_s=0.5))
    assert source.read() is not None
    camera.hangs = True
    with pytest.raises(SourceError, match=r"none in 0\.5 s"):
        source.read()
    source.close()
    assert camera.calls == ["start", "cancel", "stop", "close"]  # in this order: `stop` waits for the jobs before it


def test_without_the_library_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(SourceError, match="python3-picamera2"):
        open_source("picamera2", EdgeConfig(source="picamera2"))


@pytest.mark.parametrize(
    ("rotate", "mirror", "flips"), [(180, False, (True, True)), (0, True, (True, False)), (180, True, (False, True))]
)
def test_half_turns_and_mirrors_are_the_hardware_s(
    monkeypatch: pytest.MonkeyPatch, rotate: int, mirror: bool, flips: tuple[bool, bool]
) -> None:
    camera = FakePicamera2()
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=lambda: camera))
    monkeypatch.setitem(sys.modules, "libcamera", SimpleNamespace(Transform=SimpleNamespace))
    source = open_source("picamera2", EdgeConfig(source="picamera2", rotate=rotate, mirror=mirror))
    assert (camera.streams["transform"].hflip, camera.streams["transform"].vflip) == flips
    assert np.array_equal(source.read(), DemoSource().image(0))  # as it came: nothing is turned twice


def test_quarter_turns_are_made_here_for_both_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = FakePicamera2()
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=lambda: camera))
    source = open_source("picamera2", EdgeConfig(source="picamera2", rotate=90))
    assert "transform" not in camera.streams  # the hardware can't
    assert camera.streams["main"]["size"] == (640, 480)
    image = source.read()
    assert image is not None
    assert (image == cv2.rotate(DemoSource().image(0), cv2.ROTATE_90_CLOCKWISE)).all()
    assert source.small is not None
    assert source.small.shape == (320, 240, 3)
