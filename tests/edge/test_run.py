"""The loop and the command: limits, signals, several sources, and what it tells systemd."""

import json
import socket
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge import run as run_module
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.run import Limits, run
from edge.run_stats import Summary, format_summary
from tests.fakes import FakeClassifier, FakeDetector, FakeSource, RecordingSink
from tests.processes import run_python


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without networks: what is tested here is the loop."""
    monkeypatch.setattr(run_module, "create_detector", lambda config: FakeDetector())
    monkeypatch.setattr(run_module, "create_classifier", lambda config: FakeClassifier())


def _run(sink: RecordingSink, max_frames: int, **options: object) -> Summary:
    config = EdgeConfig(source="demo", playback="fast", **options)  # type: ignore[arg-type]
    return run(config, [sink], limits=Limits(max_frames=max_frames))


@pytest.mark.usefixtures("quick")
def test_a_run_ends_at_its_limit_and_counts_what_it_did() -> None:
    sink = RecordingSink()
    summary = _run(sink, 30)
    assert summary.frames == len(sink.results) == 30
    assert [result.frame_index for result in sink.results] == list(range(30))
    assert (summary.detections, summary.classifications) == (10, 30)
    assert summary.emotions == {"happy": 30}
    assert "30 with a face" in format_summary(summary)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader")]


@pytest.mark.usefixtures("quick")
def test_stop_and_seconds_end_a_run() -> None:
    stop = threading.Event()
    sink = RecordingSink(on_write=lambda result: stop.set() if result.frame_index == 4 else None)
    assert run(EdgeConfig(source="demo", playback="fast"), [sink], stop).frames == 5
    started_s = time.monotonic()
    assert run(EdgeConfig(source="demo"), [RecordingSink()], limits=Limits(seconds=0.5)).frames > 1
    assert time.monotonic() - started_s < 3


@pytest.mark.usefixtures("quick")
def test_a_callback_that_raises_ends_the_run_and_every_thread() -> None:
    def fail(result: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _run(RecordingSink(on_write=fail), 10)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader")]


@pytest.mark.usefixtures("quick")
def test_two_sources_share_the_networks_fairly(tmp_path: Path) -> None:
    from tests.rigs.clips import write_avi

    sink = RecordingSink()
    sources = (str(write_avi(tmp_path / "one.avi", 40)), str(write_avi(tmp_path / "two.avi", 40)))
    summary = run(EdgeConfig(source=sources, playback="fast"), [sink])
    first_half = [result.source for result in sink.results[:40]]
    assert summary.frames == 80
    assert 10 <= first_half.count(sources[0]) <= 30
    assert all({face.track_id for face in result.faces} == {1} for result in sink.results)


@pytest.mark.usefixtures("quick")
def test_each_photo_of_a_folder_is_looked_at_afresh(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(str(tmp_path / name), np.full((48, 64, 3), 90, np.uint8))
    sink = RecordingSink()
    assert run(EdgeConfig(source=str(tmp_path)), [sink]).detections == 3
    assert [face.track_id for result in sink.results for face in result.faces] == [1, 2, 3]


@pytest.mark.usefixtures("quick")
def test_a_budget_thins_the_frames_of_a_live_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.governor.MEASURE_S", 0.05)
    monkeypatch.setattr("edge.camera.open_source", lambda name, config: FakeSource(10**6, live=True, fps=100))
    summary = run(EdgeConfig(source="0", cpu_budget=0.001), [RecordingSink()], limits=Limits(seconds=1.5))
    assert 1 <= summary.frames <= 25
    assert summary.skipped > summary.frames


@pytest.mark.usefixtures("quick")
def test_systemd_hears_of_start_life_and_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setattr("edge.systemd.PERIOD_S", 0.05)
        run(EdgeConfig(source="demo"), [RecordingSink()], limits=Limits(seconds=0.3))
        heard = [manager.recv(100).decode()]
        while heard[-1] != "STOPPING=1":
            heard.append(manager.recv(100).decode())
    assert heard.count("READY=1") == 1
    assert heard.count("WATCHDOG=1") >= 2


@pytest.mark.usefixtures("quick")
def test_a_camera_that_is_absent_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_source(name: str, config: EdgeConfig) -> FakeSource:
        if name == "0":
            return FakeSource(10**6, live=True, fps=100)
        raise SourceError(f"Expected a camera at {name}. Received: none")

    monkeypatch.setattr("edge.camera.open_source", open_source)
    summary = run(EdgeConfig(source=("0", "1")), [RecordingSink()], limits=Limits(max_frames=20))
    assert summary.frames == 20
    with pytest.raises(SourceError, match="none of 1, 2"):
        run(EdgeConfig(source=("1", "2")), [RecordingSink()], limits=Limits(seconds=20))


@pytest.mark.parametrize("option", ["--csv", "--json"])
def test_a_full_disk_costs_the_sink_and_not_the_run(option: str) -> None:
    demo = ("--source", "demo", "--playback", "fast", "--max-frames", "5")
    ended = run_python("-m", "edge.run", "--headless", *demo, option, "/dev/full")
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 5
    assert "goes on without it" in ended.stderr


def test_the_command_prints_its_schema() -> None:
    ended = run_python("-m", "edge.run", "--schema")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["properties"]["schema"]["const"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--detector", "dlib"), 2),
        (("--max-frames", "-1"), 2),
        (("--bogus",), 2),
        (("--threads", "0"), 2),
        (("--source", "demo"), 2),
        (("--csv", "/none/a"), 1),
        (("--source", "0", "--video", "a.mp4"), 1),
    ],
)
def test_a_wrong_option_is_one_line(arguments: tuple[str, ...], code: int) -> None:
    ended = run_python("-m", "edge.run", "--headless", "--source", "demo", *arguments)
    assert ended.returncode == code
    assert len(ended.stderr.strip().splitlines()) == 1
    assert ended.stdout == ""
