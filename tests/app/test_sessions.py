"""Who watches what: sharing, freeing and finding again."""

import threading
import time
from collections.abc import Callable

import pytest

from app import live_state
from app.rendering import RenderOptions, decode, encode
from app.sessions import Session, SessionRegistry
from app.upload_job import VideoJob
from edge.capture import Source
from edge.config import EdgeConfig
from edge.engine import Processed
from edge.errors import SourceError
from edge.results import BgrImage, Box
from edge.sources import DemoSource
from tests.app.samples import gray_image, result_of, roughness
from tests.fakes import frame_of


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
    """A laptop that sleeps, a page that is loaded again, a tab that was closed by mistake."""

    def recorded(self, registry: SessionRegistry, key: str, browser: str = "") -> Session:
        tab = registry.open(key, browser)
        registry.start(tab, EdgeConfig(source="demo"), RenderOptions())
        tab.start_recording()
        wait_until(lambda: tab.record is not None and tab.record.frames > 2)
        registry.leave(tab, key)
        return tab

    @pytest.mark.parametrize(
        ("key", "browser", "name", "found"),
        [
            ("id", "firefox", "", True),  # the network came back: Streamlit's id is the same
            ("new id", "firefox", "its own", True),  # loaded again: the address has its name
            ("new id", "firefox", "", True),  # closed, and opened anew
            ("new id", "firefox", "another", False),
            ("new id", "chromium", "its own", False),  # the name alone opens nothing
            ("new id", "", "its own", False),
        ],
    )
    def test_it_finds_everything_again(self, key: str, browser: str, name: str, found: bool) -> None:
        registry = SessionRegistry()
        away = self.recorded(registry, "id", "firefox")
        back = registry.open(key, browser, away.name if name == "its own" else name)
        assert (back is away) == found
        if found:
            frames = away.record.frames
            assert back.worker.running
            assert back.recording
            wait_until(lambda: back.record.frames > frames)
        registry.shut_down()

    def test_a_connection_that_ends_late_does_not_end_the_tab_that_came_back(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.sessions.KEEP_S", 0.05)
        registry = SessionRegistry()
        tab = registry.open("id", "firefox")
        assert registry.open("new id", "firefox", tab.name) is tab
        registry.leave(tab, "id")
        time.sleep(0.2)
        assert registry.find(tab.token) is tab

    def test_it_finds_its_upload_done(self) -> None:
        registry = SessionRegistry()
        tab = registry.open("id")
        tab.take_video(VideoJob("talk.mp4", b"junk", EdgeConfig(), RenderOptions()))
        registry.leave(tab, "id")
        back = registry.open("id")
        assert back.video is not None
        wait_until(lambda: back.video is not None and back.video.done)
        assert isinstance(back.video.error, SourceError)
        registry.shut_down()

    def test_it_is_given_up_after_a_while_and_its_camera_is_free(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.sessions.KEEP_S", 0.2)
        registry = SessionRegistry()
        away = self.recorded(registry, "id")
        worker = away.worker
        assert worker.running
        wait_until(lambda: registry.find(away.token) is None)
        assert not worker.running
        assert registry.open("id") is not away
        registry.shut_down()

    def test_the_end_of_the_server_waits_for_nobody(self) -> None:
        registry = SessionRegistry()
        away = self.recorded(registry, "id")
        registry.shut_down()
        assert registry.find(away.token) is None
        assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


class TestWhatIsDrawn:
    def test_each_tab_has_its_own_blur_whatever_the_other_one_changes(self) -> None:
        registry = SessionRegistry()
        clear, hidden = registry.open(), registry.open()
        worker = registry.start(clear, EdgeConfig(source="demo"), RenderOptions())
        registry.start(hidden, EdgeConfig(source="demo"), RenderOptions(blur=True))
        worker.change(threshold=0.2)
        wait_until(lambda: worker.last is not None and worker.last.result.faces != ())
        face = worker.last.result.faces[0].box
        images = [decode(worker.image(tab.rendering), "shown") for tab in (clear, hidden)]
        rough = [roughness(image[face.y : face.y + face.height, face.x : face.x + face.width]) for image in images]
        assert rough[0] > 2 * rough[1]
        assert worker.config.threshold == 0.2
        registry.shut_down()

    def test_who_is_in_the_picture_is_not_out_of_view_while_the_next_one_is_drawn(self) -> None:
        registry = SessionRegistry()
        tab = registry.open()
        worker = registry.start(tab, EdgeConfig(source="demo"), RenderOptions())
        wait_until(lambda: bool(worker.monitor.people()))
        worker.stop()
        assert worker.join(10)
        worker.monitor.add(result_of(Box(9, 9, 60, 60), at_s=1.0), 1.0)
        worker.last = Processed(frame_of(gray_image()), result_of(Box(9, 9, 60, 60), at_s=1.1))
        (person,) = worker.monitor.people()
        told = live_state._card(tab, worker, person, worker.monitor.latest, 7)
        assert "out of view" not in told
        assert "thumb" in told
        registry.shut_down()

    def test_the_browser_s_own_camera_is_a_source_like_others(self) -> None:
        registry = SessionRegistry()
        tab = registry.open()
        registry.start_browser_camera(tab, EdgeConfig(source="browser"), RenderOptions())
        assert tab.worker is None
        jpeg = encode(DemoSource().image(0))

        def sees_a_face() -> bool:
            registry.put_image(tab, jpeg)
            return bool(tab.worker and tab.worker.monitor.latest and tab.worker.monitor.latest.faces)

        wait_until(sees_a_face)
        wait_until(lambda: tab.worker is not None and tab.worker.trouble is not None)  # the page sends no more
        registry.shut_down()
