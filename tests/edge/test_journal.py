"""What a service writes to the journal: changes and a line per minute, and no more than a disk can bear."""

import io
import json
import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.emotions import EMOTIONS
from edge.journal import JournalSink
from edge.results import CameraState, CameraStatus, Frame, FrameResult
from edge.schema import json_schema
from tests.fakes import frame_of, result_of

IMAGE = np.full((8, 8, 3), 90, np.uint8)
JOURNAL_REMOTE = Path("/lib/systemd/systemd-journal-remote")
DAY_S = 86_400
MEASURED_S = 600
"""So much is counted, and a day is so many times that."""
FACES = {name: result_of(frame_of(IMAGE), name).faces[0] for name in EMOTIONS}
FIELDS = (
    "_TRANSPORT=stdout\nPRIORITY=6\nSYSLOG_IDENTIFIER=emotion-edge\n_PID=812\n_UID=63123\n_GID=63123\n_COMM=emotion-edge\n"
    "_EXE=/usr/bin/python3.11\n_CMDLINE=/opt/emotion-edge/venv/bin/python -m edge\n_SYSTEMD_UNIT=emotion-edge.service\n"
    "_SYSTEMD_CGROUP=/system.slice/emotion-edge.service\n_SYSTEMD_SLICE=system.slice\n_HOSTNAME=raspberrypi\n"
    "_MACHINE_ID=ade75c5deebf0804b077e1850ddedd34\n_BOOT_ID=4ade75c5deebf0804b077e1850ddedd3\n"
)
"""What journald adds to a line; a value that repeats is kept once."""


def seen(seconds: float, emotions: list[str]) -> tuple[Frame, FrameResult]:
    """A frame at this second, with a face for each emotion."""
    frame = Frame(IMAGE, 0, seconds, 1_795_676_772.238 + seconds, "door")
    return frame, replace(result_of(frame), faces=tuple(FACES[emotion] for emotion in emotions))


def lines_of(emotions: list[list[str]], per_second: int) -> list[str]:
    """What the journal gets while this is seen."""
    stream = io.StringIO()
    sink = JournalSink(stream)
    for index, who in enumerate(emotions):
        sink.write(*seen(index / per_second, who))
    return stream.getvalue().splitlines(keepends=True)


def test_a_change_is_told_after_five_seconds_at_most_and_nothing_once_a_minute() -> None:
    who = [["happy"]] * 20 + [["happy", "sad"]] * 5 + [["happy"]] * 10 + [[]] * 90
    lines = [json.loads(line) for line in lines_of(who, per_second=1)]
    assert [(round(line["captured_at"] - 1_795_676_772.238), line["people"], line["emotions"]) for line in lines] == [
        (0, 1, {"happy": 1}),
        (20, 2, {"happy": 1, "sad": 1}),
        (25, 1, {"happy": 1}),
        (35, 0, {}),
        (95, 0, {}),
    ]
    assert set(lines[1]) >= set(json_schema()["$defs"]["people"]["required"])


def test_a_camera_that_fails_is_told_at_once() -> None:
    stream = io.StringIO()
    sink = JournalSink(stream)
    sink.write(*seen(0, ["happy"]))
    sink.tell(CameraStatus("door", CameraState.FROZEN, "the same image", 1000.5, 0.0))
    assert json.loads(stream.getvalue().splitlines()[1])["state"] == "frozen"


def test_an_idle_day_is_below_2_and_a_busy_one_below_20_megabytes(tmp_path: Path) -> None:
    """Busy: ten people whose labels change with every frame, so that each line says something new."""
    dice = random.Random(0)
    idle: list[list[str]] = [[]] * (5 * MEASURED_S)
    busy = [dice.choices(list(EMOTIONS), k=10) for _ in range(10 * MEASURED_S)]
    written = {"idle": lines_of(idle, per_second=5), "busy": lines_of(busy, per_second=10)}
    assert {name: len(lines) for name, lines in written.items()} == {"idle": 10, "busy": 120}
    if not JOURNAL_REMOTE.exists():
        pytest.skip("systemd-journal-remote, which writes journal files, is not installed")
    days = DAY_S / MEASURED_S
    bytes_per_day = {name: journal_bytes(lines, tmp_path / f"{name}.journal") * days for name, lines in written.items()}
    assert bytes_per_day["idle"] < 2_000_000
    assert bytes_per_day["busy"] < 20_000_000


def journal_bytes(lines: list[str], path: Path) -> int:
    """How far a journal file grows by these lines: systemd's own writer makes it."""
    assert shutil.which("journalctl")
    entries = [
        f"__REALTIME_TIMESTAMP={1_795_676_772_238_000 + index}\n__MONOTONIC_TIMESTAMP={index}\n{FIELDS}MESSAGE={line}\n"
        for index, line in enumerate(lines)
    ]
    command = [JOURNAL_REMOTE, "-o", path, "-"]
    ends = []
    for part in (entries[:1], entries[1:]):
        subprocess.run(command, input="".join(part).encode(), check=True, capture_output=True)
        ends.append(int.from_bytes(path.read_bytes()[136:144], "little"))  # where the last object begins
    return ends[1] - ends[0]
