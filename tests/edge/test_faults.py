"""Cameras that die, stall, lie or come back: real V4L2, RTSP and HTTP code against the rigs.

The full measurement, ten deaths of each kind: python -m tests.rigs.faults --kind rtsp --times 10
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.config import EdgeConfig
from tests.processes import run_python
from tests.rigs.clips import write_avi
from tests.rigs.faults import EdgeProcess, Rig, ServerRig, V4l2Rig, create_rig, free_port, measure_resumes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="V4L2 and LD_PRELOAD are Linux's")


@pytest.mark.parametrize("kind", ["v4l2", "v4l2-stall", "mjpeg", "rtsp"])
def test_results_resume_within_three_seconds_of_the_cameras_return(kind: str) -> None:
    assert max(measure_resumes(kind, times=2)) < 3


@pytest.fixture(params=["v4l2-stall", "mjpeg", "rtsp"])
def stalled_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig = create_rig(request.param, tmp_path)
    rig.revive()
    yield rig
    rig.kill()


def test_a_stall_is_told_once_and_sigterm_during_it_ends_within_three_seconds(stalled_rig: Rig) -> None:
    with EdgeProcess("--source", stalled_rig.source, environment=stalled_rig.environment) as edge:
        edge.next_line(20)
        stalled_rig.freeze() if isinstance(stalled_rig, ServerRig) else stalled_rig.kill()
        edge.wait_for_log("is stalled", "is offline")
        seconds = edge.terminate()
    assert seconds < 3
    assert edge.process.returncode == 0
    assert "frames in" in edge.log
    assert edge.log.count("is stalled") + edge.log.count("is offline") == 1
    assert "Traceback" not in edge.log


def test_sigterm_while_all_is_well_ends_within_a_second() -> None:
    with EdgeProcess("--source", "demo") as edge:
        edge.next_line(20)
        seconds = edge.terminate()
    assert seconds < 1
    assert edge.process.returncode == 0
    assert "frames in" in edge.log


def test_a_server_that_answers_and_sends_nothing_is_one_line_within_the_timeouts(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "tests.rigs.mjpeg_server", str(port), "--silent"]
    rig = ServerRig(command, f"http://127.0.0.1:{port}/", port)
    rig.revive()
    try:
        started_s = time.monotonic()
        ended = run_python("-m", "edge.run", "--headless", "--source", rig.source)
        seconds = time.monotonic() - started_s
    finally:
        rig.kill()
    config = EdgeConfig()
    assert ended.returncode == 1
    assert seconds < config.open_timeout_s + config.read_timeout_s + 3
    assert "Expected a stream at http://127.0.0.1" in ended.stderr


def test_corrupt_images_of_a_camera_do_not_end_the_run(tmp_path: Path) -> None:
    rig = V4l2Rig(tmp_path)
    rig.revive()
    with EdgeProcess("--source", rig.source, environment=rig.environment) as edge:
        edge.next_line(20)
        rig.order("corrupt")
        time.sleep(1)
        rig.order("ok")
        assert edge.next_line(3)["faces"]
        assert edge.process.poll() is None


def test_a_video_cut_in_the_middle_plays_to_the_cut(tmp_path: Path) -> None:
    whole = write_avi(tmp_path / "whole.avi", 60).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    ended = run_python("-m", "edge.run", "--headless", "--playback", "fast", "--source", str(tmp_path / "cut.avi"))
    assert ended.returncode == 0, ended.stderr
    assert 20 <= len(ended.stdout.splitlines()) <= 35
    assert "Traceback" not in ended.stderr
