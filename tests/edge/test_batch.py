"""An archive, file by file: one bad file costs only itself, and a kill costs only what was under way."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from edge import batch
from edge.batch_engines import local
from tests.processes import ROOT
from tests.rigs.clips import stamped

FRAMES, FILMS, KILLS = 6, 5, 3


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films in two folders, a photo, and two files that are neither."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "monday").mkdir()
    for number in range(FILMS):
        name = folder / ("monday" if number % 2 else ".") / f"film{number}.avi"
        writer = cv2.VideoWriter(str(name), cv2.VideoWriter.fourcc(*"MJPG"), 10, (640, 480))
        for index in range(FRAMES):
            writer.write(stamped(index + number))
        writer.release()
        os.utime(name, (1_700_000_000, 1_700_000_000))
    cv2.imwrite(str(folder / "photo.jpg"), stamped(0))
    (folder / "cut.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    (folder / "notes.txt").write_text("no film")
    return folder


@pytest.fixture(scope="module")
def whole(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The results of a run that nothing stopped."""
    out = tmp_path_factory.mktemp("whole")
    assert batch.main([str(archive), "--out", str(out), "--workers", "2"]) == 1  # two files are none
    return results(out)


def results(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_every_file_has_its_results_and_bad_ones_are_named(
    archive: Path, whole: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films = {f"{'monday/' if number % 2 else ''}film{number}.avi.jsonl" for number in range(FILMS)}
    assert set(whole) == films | {"photo.jpg.jsonl"}
    lines = [json.loads(line) for line in whole["film0.avi.jsonl"].splitlines()]
    assert [line["frame_index"] for line in lines] == list(range(FRAMES))
    assert [line["captured_at"] for line in lines] == [1_700_000_000 + line["position_s"] for line in lines]
    assert {line["faces"][0]["emotion"] for line in lines} == {"happy"}
    assert "model_sha256" in lines[0]

    for name, content in whole.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert batch.main([str(archive), "--out", str(tmp_path), "--workers", "1"]) == 1  # only the bad ones are tried
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in said[:-2]] == [str(archive / name) for name in ("cut.mp4", "notes.txt")]
    assert said[-1].startswith("0 files, 0 frames in")
    assert said[-1].endswith("2 files failed")


def test_what_was_killed_and_resumed_is_the_same(archive: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge.batch", archive, "--out", tmp_path, "--workers", "2"]
    dice = random.Random(3)
    for _ in range(KILLS):
        run = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.5, 6))
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    subprocess.run(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    assert {name: content for name, content in results(tmp_path).items() if ".part." not in name} == whole


def _crash(job: int) -> int:
    if job == 2:
        os.abort()
    return job


def test_a_file_that_kills_its_process_costs_only_itself() -> None:
    assert sorted(local(_crash, range(5), 2, lambda job: -job)) == [-2, 0, 1, 3, 4]


def test_a_ray_cluster_gives_the_same(archive: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    assert batch.main([str(archive), "--out", str(tmp_path), "--workers", "2", "--engine", "ray"]) == 1
    assert results(tmp_path) == whole
