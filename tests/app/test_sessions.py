"""Who watches what: sharing, freeing and finding again."""

import threading
import time
from collections.abc import Callable

import pytest

from app.rendering import RenderOptions
from app.sessions import Session, SessionRegistry
from app.upload_job import VideoJob
from edge.capture import Source
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.results import BgrImage
from tests.app.samples import gray_image


class HangingCamera(Source):
    """A device for one user at a time, whose `read` does not return before it `answers`."""

    live, fps, small = True, 0.0, None
    users = 0
    answers = threading.Event()

    def __init__(self) -> None:
        if HangingCamera.users:
            raise SourceError("Expected a camera. Received: one that is in use")
        HangingCamera.users += 1

    def read(self) -> BgrImage:
        self.answers.wait(20)
        return gray_image()

    def skip(self) -> None:
        """Nothing to pass over."""

    def close(self) -> None:
        HangingCamera.users -= 1


def wait_until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


class TestHub:
    def test_tabs_share_a_worker_and_the_last_one_ends_it(self) -> None:
        registry = SessionRegistry()
        one, other = registry.open(), registry.open()
        worker = registry.start(one, EdgeConfig(source="demo"), RenderOptions())
        assert registry.start(other, EdgeConfig(source="demo", detector="haar"), RenderOptions()) is worker
        assert registry.watchers(worker) == 2
        registry.close(one)
        assert worker.running
        registry.close(other)
        assert not worker.running
        assert worker.join(10)

    def test_another_source_is_another_worker(self) -> None:
        registry = SessionRegistry()
        tab = registry.open()
        first = registry.start(tab, EdgeConfig(source="demo"), RenderOptions())
        second = registry.start(tab, EdgeConfig(source="nowhere.mp4"), RenderOptions())
        assert second is not first
        assert not first.running
        assert second.join(10)
        assert isinstance(second.error, SourceError)
        registry.shut_down()

    def test_a_restart_waits_until_the_source_is_free(self) -> None:
        registry = SessionRegistry()
        tab = registry.open()
        first = registry.start(tab, EdgeConfig(source="demo"), RenderOptions())
        registry.stop(tab)
        second = registry.start(tab, EdgeConfig(source="demo"), RenderOptions())
        deadline_s = time.monotonic() + 20
        while second.monitor.latest is None and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert second.monitor.latest
        assert first.join(0)
        registry.shut_down()

    def test_a_restart_waits_for_a_camera_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        HangingCamera.users, HangingCamera.answers = 0, threading.Event()
        monkeypatch.setattr("edge.camera.open_source", lambda name, config: HangingCamera())
        registry = SessionRegistry()
        tab = registry.open()
        registry.start(tab, EdgeConfig(), RenderOptions())
        wait_until(lambda: HangingCamera.users == 1)
        registry.stop(tab)
        second = registry.start(tab, EdgeConfig(), RenderOptions())
        time.sleep(2)
        assert second.running
        HangingCamera.answers.set()
        wait_until(lambda: second.monitor.latest is not None)
        assert second.error is None
        registry.shut_down()

    def test_tokens_are_secret_and_forgotten(self) -> None:
        registry = SessionRegistry()
        one, other = registry.open(), registry.open()
        assert one.token != other.token
        assert registry.find(one.token) is one
        registry.close(one)
        assert registry.find(one.token) is None


class TestATabThatWasAway:
    """A laptop that sleeps, or changes its network: Streamlit ends its session and gives it the same id again."""

    def recorded(self, registry: SessionRegistry, key: str) -> Session:
        tab = registry.open(key)
        worker = registry.start(tab, EdgeConfig(source="demo"), RenderOptions())
        tab.start_recording()
        wait_until(lambda: tab.record is not None and tab.record.frames > 2)
        registry.leave(tab)
        assert not worker.running, "its camera is free at once"
        return tab

    def test_it_finds_its_record_again(self) -> None:
        registry = SessionRegistry()
        away = self.recorded(registry, "id")
        assert registry.open("another") is not away
        back = registry.open("id")
        assert back is away
        assert back.record
        assert len(back.record.jsonl().splitlines()) == back.record.frames > 2
        assert not back.recording
        registry.shut_down()

    def test_it_finds_its_upload_done(self) -> None:
        registry = SessionRegistry()
        tab = registry.open("id")
        tab.take_video(VideoJob("talk.mp4", b"junk", EdgeConfig(), RenderOptions()))
        registry.leave(tab)
        back = registry.open("id")
        assert back.video is not None
        wait_until(lambda: back.video is not None and back.video.done)
        assert isinstance(back.video.error, SourceError)
        registry.shut_down()

    def test_it_is_given_up_after_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.sessions.KEEP_S", 0.2)
        registry = SessionRegistry()
        away = self.recorded(registry, "id")
        wait_until(lambda: registry.find(away.token) is None)
        assert registry.open("id") is not away
        registry.shut_down()

    def test_the_end_of_the_server_waits_for_nobody(self) -> None:
        registry = SessionRegistry()
        away = self.recorded(registry, "id")
        registry.shut_down()
        assert registry.find(away.token) is None
        assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
