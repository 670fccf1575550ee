"""The capture thread: newest frame wins, files are whole, a dead camera comes back, a stuck one blocks nobody."""

import itertools
import logging
import threading
import time
from collections.abc import Callable

import pytest

from edge import camera as camera_module
from edge.camera import Camera, iter_frames
from edge.capture import Source
from edge.config import EdgeConfig
from edge.errors import SourceError, StuckThreadError
from edge.results import CameraState
from tests.fakes import FakeSource

FAST = EdgeConfig(source="fake", playback="fast", fps=0, read_timeout_s=0.3, open_timeout_s=0.3, reconnect_s=0.1)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Source]]:
    """Let `Camera` open these sources, one after the other."""

    def put(*sources: Source) -> list[Source]:
        waiting = list(sources)

        def open_next(name: str, config: EdgeConfig) -> Source:
            if not waiting:
                raise SourceError(f"Expected a camera at {name}. Received: none")
            return waiting.pop(0)

        monkeypatch.setattr(camera_module, "open_source", open_next)
        return waiting

    return put


class StuckSource(FakeSource):
    """Gives a frame, then hangs inside `read` until released."""

    def __init__(self) -> None:
        super().__init__(count=10**6, live=True, fps=200)
        self.release = threading.Event()

    def read(self) -> object:  # type: ignore[override]
        if self.reads:
            self.release.wait(20)
        return super().read()


def test_every_frame_of_a_file_is_taken_once_and_in_order(serve: Callable[..., list[Source]]) -> None:
    source = FakeSource(count=40)
    serve(source)
    with Camera("fake", FAST) as camera:
        frames = list(iter_frames([camera]))
    assert [frame.index for frame in frames] == list(range(40))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == list(range(40))
    assert camera.state is CameraState.ENDED
    assert camera.dropped == 0
    assert source.closed


def test_a_live_source_gives_the_newest_frame_and_never_one_twice(serve: Callable[..., list[Source]]) -> None:
    serve(FakeSource(count=10**6, live=True, fps=200))
    taken = []
    with Camera("fake", FAST) as camera:
        for frame in iter_frames([camera], timeout_s=5):
            taken.append(frame.index)
            time.sleep(0.05)
            if len(taken) == 8:
                break
    gaps = [later - sooner for sooner, later in itertools.pairwise(taken)]
    assert all(gap >= 1 for gap in gaps)
    assert camera.dropped >= sum(gaps) - len(gaps) > 0


def test_frames_that_come_before_their_time_are_not_decoded(serve: Callable[..., list[Source]]) -> None:
    serve(FakeSource(count=10**6, live=True, fps=100))
    with Camera("fake", EdgeConfig(source="fake", fps=10)) as camera:
        taken = sum(camera.limiter.takes(frame.captured_monotonic_s) for frame in iter_frames([camera], timeout_s=1))
    assert 4 <= taken <= 13
    assert camera.skipped > 2 * taken


def test_a_camera_that_dies_is_reopened_and_its_states_are_logged_once(
    serve: Callable[..., list[Source]], caplog: pytest.LogCaptureFixture
) -> None:
    dead = FakeSource(count=10**6, live=True, fps=100, fail_after=5)
    serve(dead, FakeSource(count=10**6, live=True, fps=100))
    with caplog.at_level(logging.INFO, "edge.camera"), Camera("fake", FAST) as camera:
        indices = []
        for frame in iter_frames([camera], timeout_s=5):
            indices.append(frame.index)
            if camera.reconnects and len(indices) > 8:
                break
    assert camera.reconnects == 1
    assert dead.closed
    assert indices == sorted(set(indices))
    assert [record.message for record in caplog.records] == [
        "camera fake is offline: Expected a frame from the fake. Received: none",
        "camera fake is online",
    ]


def test_a_reader_that_hangs_is_abandoned_and_the_next_one_takes_over(serve: Callable[..., list[Source]]) -> None:
    stuck = StuckSource()
    serve(stuck, FakeSource(count=10**6, live=True, fps=100))
    camera = Camera("fake", FAST)
    camera.start()
    started_s = time.monotonic()
    frames = iter_frames([camera], timeout_s=5)
    while camera.reconnects == 0 or camera.state is not CameraState.ONLINE:
        next(frames)
    assert time.monotonic() - started_s < 3
    with pytest.raises(StuckThreadError, match="reader fake"):
        camera.stop(timeout_s=0.2)
    stuck.release.set()
    camera.stop(timeout_s=5)
    assert stuck.closed


def test_a_source_that_hangs_at_every_opening_does_not_pile_up_threads(
    serve: Callable[..., list[Source]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "MOST_STUCK", 2)
    sources = [StuckSource() for _ in range(5)]
    waiting = serve(*sources)
    with Camera("fake", FAST) as camera:
        list(iter_frames([camera], timeout_s=2.5))
        assert len(waiting) == 3
        for source in sources:
            source.release.set()
        list(iter_frames([camera], timeout_s=1))
        assert camera.state is CameraState.ONLINE


def test_a_source_that_hangs_for_good_ends_the_run_so_that_a_new_process_can_free_it(
    serve: Callable[..., list[Source]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "STUCK_S", 1.0)
    stuck = StuckSource()
    serve(stuck)  # the device is busy from now on
    camera = Camera("0", FAST)
    camera.start()
    with pytest.raises(StuckThreadError, match="Expected 0 to answer"):
        list(iter_frames([camera], timeout_s=5))
    stuck.release.set()
    camera.stop(timeout_s=5)


def test_an_old_reader_that_hangs_does_not_end_a_run_whose_camera_works(
    serve: Callable[..., list[Source]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "STUCK_S", 1.0)
    stuck = StuckSource()
    serve(stuck, FakeSource(10**6, live=True, fps=100, fail_after=200), FakeSource(10**6, live=True, fps=100))
    camera = Camera("0", FAST)
    camera.start()
    frames = iter_frames([camera], timeout_s=8)
    while camera.reconnects < 2 or camera.state is not CameraState.ONLINE:
        next(frames)  # raises StuckThreadError if the first reader counts
    assert camera.reconnects == 2
    stuck.release.set()
    camera.stop(timeout_s=5)


def test_one_of_several_cameras_may_come_later(serve: Callable[..., list[Source]]) -> None:
    waiting = serve()
    with Camera("rtsp://fake", FAST, sole=False) as camera:
        assert not list(iter_frames([camera], timeout_s=0.3))
        assert camera.absent
        waiting.append(FakeSource(count=10**6, live=True, fps=100))
        assert camera.wait(2.0) is not None
        assert not camera.absent
    with Camera("clip.mp4", FAST, sole=False) as file, pytest.raises(SourceError):
        list(iter_frames([file], timeout_s=5))


def test_the_reason_of_a_camera_that_is_away_is_the_present_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reasons = iter(["", "nobody answers"])

    def open_next(name: str, config: EdgeConfig) -> Source:
        if reason := next(reasons, "no such device"):
            raise SourceError(reason)
        return FakeSource(count=10**6, live=True, fps=100, fail_after=5)

    monkeypatch.setattr(camera_module, "open_source", open_next)
    with caplog.at_level(logging.INFO, "edge.camera"), Camera("fake", FAST) as camera:
        for _ in iter_frames([camera], timeout_s=1.5):
            pass
    assert camera.status.state is CameraState.OFFLINE
    assert camera.status.reason == "no such device"
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "Expected a frame from the fake. Received: none",
        "nobody answers",
        "no such device",
    ]


def test_no_camera_at_the_start_is_an_error_at_once(serve: Callable[..., list[Source]]) -> None:
    serve()
    with Camera("fake", FAST) as camera, pytest.raises(SourceError, match="Expected a camera"):
        list(iter_frames([camera], timeout_s=5))


def test_a_defect_in_a_source_is_raised_to_the_loop(serve: Callable[..., list[Source]]) -> None:
    class Broken(FakeSource):
        def read(self) -> object:  # type: ignore[override]
            raise ZeroDivisionError

    serve(Broken())
    with Camera("fake", FAST) as camera, pytest.raises(ZeroDivisionError):
        list(iter_frames([camera], timeout_s=5))


def test_two_cameras_take_turns(serve: Callable[..., list[Source]]) -> None:
    serve(FakeSource(count=30), FakeSource(count=30))
    wake = threading.Condition()
    with Camera("one", FAST, wake) as one, Camera("two", FAST, wake) as two:
        names = []
        for frame in iter_frames([one, two]):
            names.append(frame.source)
            time.sleep(0.01)  # slower than the sources, so that both always have a frame
    assert names.count("one") == names.count("two") == 30
    assert abs(names[:30].count("one") - 15) < 10


def test_a_consumer_that_raises_leaves_no_thread(serve: Callable[..., list[Source]]) -> None:
    serve(FakeSource(count=10**6, live=True, fps=100))
    with pytest.raises(ZeroDivisionError), Camera("fake", FAST) as camera:
        for _ in iter_frames([camera], timeout_s=5):
            raise ZeroDivisionError
    assert not [thread for thread in threading.enumerate() if thread.name == "reader fake"]


def test_a_password_is_in_no_frame_and_no_thread_name(serve: Callable[..., list[Source]]) -> None:
    serve(FakeSource(count=1))
    with Camera("rtsp://user:secret@host/stream", FAST) as camera:
        (frame,) = iter_frames([camera])
        names = [thread.name for thread in threading.enumerate()]
    assert frame.source == "rtsp://host/stream"
    assert not any("secret" in text for text in [camera.name, *names])
