"""A camera that gives the same image again and again, or nothing but black, is told apart from one that sees."""

import logging
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from edge import camera as camera_module
from edge import image_watch
from edge.camera import Camera, iter_frames
from edge.capture import Source
from edge.config import EdgeConfig
from edge.errors import RefusedError, SourceError
from edge.image_watch import ImageWatch
from edge.results import BgrImage, CameraState
from tests.fakes import FakeSource

FAST = EdgeConfig(source="fake", fps=0, read_timeout_s=0.5, open_timeout_s=0.5, reconnect_s=0.1)


def _noise(seed: int, level: int = 120) -> BgrImage:
    return np.random.default_rng(seed).normal(level, 4, (48, 64, 3)).clip(0, 255).astype(np.uint8)


def _states(images: Iterator[BgrImage], period_s: float) -> list[CameraState]:
    watch = ImageWatch()
    return [watch.see(image, index * period_s) for index, image in enumerate(images)]


def test_the_same_image_for_long_is_frozen_and_a_new_one_ends_it() -> None:
    images = [_noise(0)] * 200 + [_noise(1)]
    states = _states(iter(images), 1 / 30)
    assert states[:119] == [CameraState.ONLINE] * 119
    assert states[121:200] == [CameraState.FROZEN] * 79
    assert states[200] is CameraState.ONLINE


def test_a_still_scene_with_a_sensors_noise_is_alive() -> None:
    image = _noise(0)

    def one_pixel_changes() -> Iterator[BgrImage]:
        for index in range(300):
            changed = image.copy()
            changed[5, 7, 0] = index % 256  # a place that is not among the sampled ones
            yield changed

    assert set(_states(one_pixel_changes(), 1 / 30)) == {CameraState.ONLINE}


def test_few_images_are_no_proof() -> None:
    assert set(_states(iter([_noise(0)] * 8), 10.0)) == {CameraState.ONLINE}


def test_blackness_for_long_is_dark_and_light_ends_it() -> None:
    images = [_noise(seed, level=5) for seed in range(70)] + [_noise(0)]
    states = _states(iter(images), 1.0)
    assert states[:4] == [CameraState.ONLINE] * 4
    assert states[4:70] == [CameraState.DARK] * 66
    assert states[70] is CameraState.ONLINE


def test_a_lamp_in_the_night_is_not_dark() -> None:
    images = [_noise(seed, level=5) for seed in range(70)]
    for image in images:
        image[:16, :16] = 200
    assert set(_states(iter(images), 1.0)) == {CameraState.ONLINE}


class FreezingSource(FakeSource):
    """Changes for 10 images, then gives the last one until told to go on."""

    def __init__(self, moves: threading.Event) -> None:
        super().__init__(count=10**6, live=True, fps=100)
        self._moves = moves

    def read(self) -> BgrImage | None:
        image = super().read()
        return image if self.reads < 10 or self._moves.is_set() else np.full((48, 64, 3), 9, np.uint8)


def test_a_frozen_camera_gives_no_frames_and_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(image_watch, "FROZEN_S", 0.3)
    monkeypatch.setattr(image_watch, "REOPEN_S", 0.6)
    moves, opened = threading.Event(), []

    def opener(name: str, config: EdgeConfig) -> Source:
        opened.append(FreezingSource(moves))
        opened[-1].reads = 10 * (len(opened) > 1)  # one that is opened again has nothing new either
        return opened[-1]

    with caplog.at_level(logging.INFO, "edge.camera"), Camera("fake", FAST, opener=opener) as camera:
        assert list(iter_frames([camera], timeout_s=1.5))
        assert camera.status.state is CameraState.FROZEN
        assert "to the last byte" in camera.status.reason
        assert not list(iter_frames([camera], timeout_s=0.3))
        assert len(opened) > 1  # opening it again may help, and is no news
        moves.set()
        assert camera.wait(2.0) is not None
        assert camera.state is CameraState.ONLINE
    words = [record.message.split(":")[0] for record in caplog.records]
    assert words == ["camera fake is frozen", "camera fake is online"]


def test_a_decoder_that_sticks_is_opened_again_before_anything_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_watch, "STUCK_S", 0.3)
    sources = [FreezingSource(threading.Event()), FakeSource(10**6, live=True, fps=100)]
    for source in sources:
        source.decoder_sticks = True
    with Camera("fake", FAST, opener=lambda name, config: sources.pop(0)) as camera:
        states = set()
        for frame in iter_frames([camera], timeout_s=3):
            states.add(camera.state)
            if camera.reconnects and frame.index > 60:
                break
    assert camera.reconnects == 1
    assert states == {CameraState.ONLINE}


def test_a_refused_password_is_tried_ever_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "REFUSED_S", 0.4)
    tries = []

    def opener(name: str, config: EdgeConfig) -> Source:
        tries.append(name)
        raise RefusedError("Expected a stream at rtsp://fake. Received: wrong user or password (401)")

    with Camera("rtsp://fake", FAST, sole=False, opener=opener) as camera:
        list(iter_frames([camera], timeout_s=2.5))
    assert 3 <= len(tries) <= 4  # at 0, 0.4, 1.2 and 2.8 s; a camera that is only absent would be tried 20 times


def test_a_camera_that_is_only_absent_is_tried_often() -> None:
    tries = []

    def opener(name: str, config: EdgeConfig) -> Source:
        tries.append(name)
        raise SourceError("Expected a stream at rtsp://fake. Received: nothing listens")

    with Camera("rtsp://fake", FAST, sole=False, opener=opener) as camera:
        list(iter_frames([camera], timeout_s=1.5))
    assert len(tries) > 5
