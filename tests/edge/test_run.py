"""The command: limits, what it counts, and what it tells systemd."""

import hashlib
import json
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edge
from edge.config import EdgeConfig
from edge.engine import Engine
from edge.results import CameraState, CameraStatus
from edge.run import Limits, main, run
from edge.run_state import RunState
from edge.run_stats import format_summary
from tests.fakes import FakeClassifier, FakeDetector, RecordingSink, frame_of, result_of
from tests.processes import run_python


def engine_of(config: EdgeConfig) -> Engine:
    """An engine without networks: what is tested here is the command."""
    return Engine(replace(config, min_quality=0), FakeDetector(), FakeClassifier())  # its box has plain background


def test_a_run_ends_at_its_limit_and_counts_what_it_did() -> None:
    sink = RecordingSink()
    with engine_of(EdgeConfig(source="demo", playback="fast")) as engine:
        summary = run(engine, [sink], limits=Limits(max_frames=30))
    assert summary.frames == len(sink.results) == 30
    assert [result.frame_index for result in sink.results] == list(range(30))
    assert (summary.detections, summary.classifications) == (10, 11)
    assert summary.emotions == {"happy": 30}
    assert "30 with a face" in format_summary(summary)


def test_stop_and_seconds_end_a_run() -> None:
    stop = threading.Event()
    sink = RecordingSink(on_write=lambda result: stop.set() if result.frame_index == 4 else None)
    with engine_of(EdgeConfig(source="demo", playback="fast")) as engine:
        assert run(engine, [sink], stop).frames == 5
    started_s = time.monotonic()
    with engine_of(EdgeConfig(source="demo")) as engine:
        assert run(engine, [RecordingSink()], limits=Limits(seconds=0.5)).frames > 1
    assert time.monotonic() - started_s < 3


def test_systemd_hears_of_start_life_and_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setattr("edge.systemd.PERIOD_S", 0.05)
        with engine_of(EdgeConfig(source="demo")) as engine:
            run(engine, [RecordingSink()], limits=Limits(seconds=0.3))
        heard = [manager.recv(100).decode()]
        while heard[-1] != "STOPPING=1":
            heard.append(manager.recv(100).decode())
    assert heard.count("READY=1") == 1
    assert [line for line in heard if line.startswith("STATUS=")][-1] == "STATUS=demo: 1 in view"
    assert heard.count("WATCHDOG=1") >= 2


@pytest.mark.parametrize("option", ["--csv", "--json"])
def test_a_full_disk_costs_the_sink_and_not_the_run(option: str) -> None:
    demo = ("--source", "demo", "--playback", "fast", "--max-frames", "5")
    ended = run_python("-m", "edge.run", "--headless", *demo, option, "/dev/full")
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 5
    assert "goes on without it" in ended.stderr


def test_the_command_prints_its_version_and_the_hash_of_its_model(capsys: pytest.CaptureFixture[str]) -> None:
    model = EdgeConfig(model="float16").model_path
    assert main(["--model", str(model), "--version"]) == 0
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert capsys.readouterr().out == f"emotion-edge {edge.__version__}, model {model.name}, sha256 {digest}\n"


def test_systemd_is_told_which_camera_fails() -> None:
    state = RunState()
    frame = frame_of(np.zeros((8, 8, 3), np.uint8), source="door")
    state.tell(CameraStatus.now("door", CameraState.ONLINE))
    state.add(result_of(frame))
    state.tell(CameraStatus.now("hall", CameraState.OFFLINE, "connection refused"))
    assert state.sentence() == "door: 1 in view; hall is offline: connection refused"
    state.tell(CameraStatus.now("door", CameraState.FROZEN, "the same image"))
    state.tell(CameraStatus.now("hall", CameraState.ONLINE))
    assert state.sentence() == "door is frozen: the same image; hall is online"


def test_the_command_prints_its_schema() -> None:
    ended = run_python("-m", "edge.run", "--schema")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["properties"]["schema"]["const"] == 2


@pytest.mark.parametrize(
    "words",
    [
        "--snapshot-token abc",
        "--metrics 99999",
        "--metrics 127.0.0.1:99999",
        "--source demo --source 0 --video a.mp4",
        "--video a.txt",
        "--mqtt http://host",
        "--mqtt mqtt://host --mqtt-ca ca.pem",
        "--mqtt mqtt://host --mqtt-discovery home/#",
        "--store a.sqlite --video a.sqlite --snapshots a.sqlite --source a.sqlite",
    ],
)
def test_options_that_can_never_work_are_a_wrong_usage_before_anything_is_opened(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("edge.run.open_sinks", None)
    with pytest.raises(SystemExit) as ended:  # with 1, systemd would restart it for ever
        main(["--headless", "--store", "s.sqlite", "--json", "lines.jsonl", *words.split()])
    assert (ended.value.code, capsys.readouterr().err.count("\n")) == (2, 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--detector", "dlib"), 2),
        (("--max-frames", "-1"), 2),
        (("--seconds", "nan"), 2),
        (("--seconds", "-1"), 2),
        (("--bogus",), 2),
        (("--threads", "0"), 2),
        (("--source", "demo"), 2),
        (("--csv", "/none/a"), 1),
        (("--source", "0", "--video", "a.mp4"), 2),
    ],
)
def test_a_wrong_option_is_one_line(arguments: tuple[str, ...], code: int) -> None:
    ended = run_python("-m", "edge.run", "--headless", "--source", "demo", *arguments)
    assert ended.returncode == code
    assert len(ended.stderr.strip().splitlines()) == 1
    assert ended.stdout == ""
