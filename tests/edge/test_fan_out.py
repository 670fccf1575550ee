"""A sink that fails costs the others nothing, and is tried again."""

import logging

import numpy as np
import pytest

from edge.errors import SinkError
from edge.fan_out import FanOut
from edge.results import CameraState, CameraStatus, Frame, FrameResult
from tests.fakes import RecordingSink, frame_of, result_of

IMAGE = np.full((120, 160, 3), 90, np.uint8)


class Disk:
    """A sink that has room or not, and a clock that tests turn."""

    def __init__(self) -> None:
        self.has_room = True
        self.attempts = 0
        self.written: list[int] = []
        self.now_s = 0.0

    def write(self, frame: Frame, result: FrameResult) -> None:
        self.attempts += 1
        if not self.has_room:
            raise SinkError("Expected room on the disk. Received: none")
        self.written.append(result.frame_index)

    def close(self) -> None:
        """Nothing to close."""


def write(fan_out: FanOut, *indices: int) -> None:
    for index in indices:
        fan_out.write(frame_of(IMAGE, index), result_of(frame_of(IMAGE, index)))


def test_a_full_disk_is_tried_again_and_both_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    disk, other = Disk(), RecordingSink()
    fan_out = FanOut([disk, other], clock_s=lambda: disk.now_s)
    with caplog.at_level(logging.INFO, "edge.fan_out"):
        write(fan_out, 0)
        disk.has_room = False
        for index in range(1, 5):
            disk.now_s += 0.4
            write(fan_out, index)
            fan_out.turn()
        disk.has_room = True
        disk.now_s += 10
        write(fan_out, 5, 6)
    assert disk.written == [0, 5, 6]
    assert len(other.results) == 7
    messages = [record.getMessage() for record in caplog.records]
    assert [message.split("; ")[1] for message in messages] == [
        "the run goes on without it and tries again",
        "results lost meanwhile: 4",
    ]


def test_a_disk_that_stays_full_is_asked_ever_more_seldom() -> None:
    disk = Disk()
    fan_out = FanOut([disk, RecordingSink()], clock_s=lambda: disk.now_s)
    disk.has_room = False
    for index in range(3000):
        disk.now_s = index / 10
        write(fan_out, index)
    assert 8 <= disk.attempts <= 16


def test_a_sink_with_nothing_to_write_does_not_count_as_mended(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    fan_out = FanOut([disk, RecordingSink()], clock_s=lambda: disk.now_s)
    disk.has_room = False
    for index in range(20):
        disk.now_s += 60
        write(fan_out, index)
        disk.write = lambda frame, result: False if frame.index % 2 else Disk.write(disk, frame, result)  # type: ignore
    assert caplog.text.count("goes on without it") == 1


def test_the_only_sink_that_never_worked_ends_the_run() -> None:
    disk = Disk()
    disk.has_room = False
    with pytest.raises(SinkError, match="room"):
        write(FanOut([disk]), 0)


def test_the_only_sink_may_fail_for_a_while_and_not_at_the_end() -> None:
    disk = Disk()
    fan_out = FanOut([disk], clock_s=lambda: disk.now_s)
    write(fan_out, 0)
    disk.has_room = False
    write(fan_out, 1, 2)
    with pytest.raises(SinkError, match="room"):
        fan_out.finish()
    disk.has_room, disk.now_s = True, 60.0
    write(fan_out, 3)
    fan_out.finish()
    assert disk.written == [0, 3]


class Teller(RecordingSink):
    """A sink that tells states."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def tell(self, status: CameraStatus) -> None:
        self.told.append(status.state.value)


def test_a_fault_that_lasts_is_told_and_so_is_its_end() -> None:
    teller, plain, now_s = Teller(), RecordingSink(), [0.0]
    fan_out = FanOut([teller, plain], clock_s=lambda: now_s[0])
    for at_s, state in ((0.0, "opening"), (1.0, "online"), (5.0, "offline"), (9.0, "online"), (10.0, "ended")):
        now_s[0] = at_s
        fan_out.tell(CameraStatus("door", CameraState(state), "", at_s, at_s))
        fan_out.turn()
        now_s[0] = at_s + 2
        fan_out.turn()
    write(fan_out, 0)
    assert teller.told == ["opening", "online", "offline", "online", "ended"]
    assert len(plain.results) == len(teller.results) == 1


def test_a_sink_that_fails_just_then_hears_of_the_fault_when_it_works_again() -> None:
    class TellingDisk(Disk):
        def __init__(self) -> None:
            super().__init__()
            self.told: list[str] = []

        def tell(self, status: CameraStatus) -> None:
            if not self.has_room:
                raise SinkError("Expected room on the disk. Received: none")
            self.told.append(status.state.value)

    disk, other = TellingDisk(), Teller()
    fan_out = FanOut([disk, other], clock_s=lambda: disk.now_s)
    fan_out.tell(CameraStatus("door", CameraState.ONLINE, "", 0.0, 0.0))
    fan_out.turn()
    disk.has_room = False
    fan_out.tell(CameraStatus("door", CameraState.OFFLINE, "unplugged", 1.0, 1.0))
    for disk.now_s in (3.0, 3.1, 10.0):
        fan_out.turn()
    disk.has_room = True
    for disk.now_s in (60.0, 61.0):
        fan_out.turn()
    assert disk.told == other.told == ["online", "offline"]


def test_a_camera_that_is_reopened_at_once_is_no_news() -> None:
    teller, now_s = Teller(), [0.0]
    fan_out = FanOut([teller], clock_s=lambda: now_s[0])
    for at_s, state in ((0.0, "online"), (5.0, "offline"), (5.5, "online")):
        now_s[0] = at_s
        fan_out.tell(CameraStatus("door", CameraState(state), "", at_s, at_s))
        fan_out.turn()
    now_s[0] = 9.0
    fan_out.turn()
    assert teller.told == ["online"]


@pytest.mark.parametrize("state", [CameraState.FROZEN, CameraState.DARK])
def test_what_was_watched_for_seconds_is_told_at_once(state: CameraState) -> None:
    teller = Teller()
    fan_out = FanOut([teller], clock_s=lambda: 100.0)
    fan_out.tell(CameraStatus("door", state, "", 100.0, 100.0))
    fan_out.turn()
    assert teller.told == [state.value]


def test_a_sink_that_can_not_tell_is_tried_again_like_one_that_can_not_write() -> None:
    teller, now_s = Teller(), [0.0]
    fan_out = FanOut([teller, RecordingSink()], clock_s=lambda: now_s[0])
    teller.tell = lambda status: teller.write(frame_of(IMAGE), None)  # type: ignore
    teller._fail_after = 0
    fan_out.tell(CameraStatus("door", CameraState.ONLINE, "", 0.0, 0.0))
    fan_out.turn()
    teller._fail_after = None
    write(fan_out, 0)
    now_s[0] = 2.0
    write(fan_out, 1)
    assert [result.frame_index for result in teller.results] == [1]
