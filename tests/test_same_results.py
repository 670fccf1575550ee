"""The command, the library, pushed frames, an upload to the app and a record give the same results."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.rendering import RenderOptions
from app.session_log import Record
from app.upload_job import VideoJob
from edge.config import EdgeConfig
from edge.engine import Engine
from edge.results import Frame
from edge.schema import to_json
from edge.sources import open_source
from tests.processes import run_python
from tests.rigs.clips import write_avi

FRAMES = 12
CONFIG = EdgeConfig(playback="fast")


def known(results: list[dict[str, Any]]) -> list[Any]:
    """What must not differ: all but clocks and the name of the source."""
    return [(result["frame_index"], result["position_s"], result["faces"]) for result in results]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_avi(tmp_path_factory.mktemp("clip") / "clip.avi", FRAMES)


@pytest.fixture(scope="module")
def wanted(clip: Path) -> list[Any]:
    """The command's lines."""
    ended = run_python("-m", "edge.run", "--headless", "--playback", "fast", "--source", str(clip))
    assert ended.returncode == 0, ended.stderr
    lines = known([json.loads(line) for line in ended.stdout.splitlines()])
    assert len(lines) == FRAMES
    assert all(faces for *_, faces in lines)
    return lines


def test_the_library(clip: Path, wanted: list[Any]) -> None:
    with Engine(replace(CONFIG, source=str(clip))) as engine:
        assert known([to_json(result) for _, result in engine.results()]) == wanted


def test_frames_of_ones_own(clip: Path, wanted: list[Any]) -> None:
    source, engine, results = open_source(str(clip), CONFIG), Engine(CONFIG), []
    for index in range(FRAMES):
        image = source.read()
        assert image is not None
        result = engine.push(Frame.now(image, index, position_s=index / 30))
        assert result is not None
        results.append(to_json(result))
    assert known(results) == wanted


def test_an_upload_and_its_record(clip: Path, wanted: list[Any]) -> None:
    job = VideoJob(clip.name, clip.read_bytes(), CONFIG, RenderOptions())
    job.start()
    assert job.join(60)
    assert job.error is None
    assert known([json.loads(line) for line in job.record.jsonl().splitlines()]) == wanted
    job.close()


def test_a_record_of_a_session(clip: Path, wanted: list[Any]) -> None:
    record = Record()
    with Engine(replace(CONFIG, source=str(clip))) as engine:
        for _, result in engine.results():
            record.add(result)
    assert known([json.loads(line) for line in record.jsonl().splitlines()]) == wanted
    record.close()
