"""An archive, file by file: one bad file costs only itself, and a kill costs only what was under way."""

import contextlib
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
from tests.rigs.batch_speed import measure, write_clips
from tests.rigs.clips import stamped

FRAMES, FILMS = 6, 5
LEAST_SPEED, QUIET = 1.7, 0.1


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films in two folders, a photo, a film that is cut, and a file that is neither."""
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
    assert batch.main([str(archive), "--out", str(out), "--workers", "2"]) == 1  # one is cut
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
    assert batch.main([str(archive), "--out", str(tmp_path), "--workers", "1"]) == 1  # only the bad one is tried
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"1 files left out of {archive}, since they are no films or photos: notes.txt"
    assert said[1] == f"{FILMS + 1} files have their results already"
    assert said[2].startswith(f"{archive / 'cut.mp4'}: Expected")
    assert said[-1].startswith("0 files, 0 frames in")
    assert said[-1].endswith("1 files failed")


@pytest.mark.parametrize("out", [".", "videos", "videos/results", "results"])
def test_results_may_lie_in_the_archive_or_beside_it(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("videos", "monday").mkdir(parents=True)
    for name in ("videos/a.jpg", "videos/monday/b.jpg"):
        cv2.imwrite(name, stamped(0))
    Path("videos", "notes.txt").write_text("no film")
    found = {f"{out}/a.jpg.jsonl", f"{out}/monday/b.jpg.jsonl"}
    for files in (2, 0):
        assert batch.main(["videos", "--out", out, "--workers", "1"]) == 0
        said = capsys.readouterr().err.splitlines()
        assert said[0] == "1 files left out of videos, since they are no films or photos: notes.txt"
        assert said[-1].startswith(f"{files} files, ")
        assert set(Path().rglob("*.jsonl")) == set(map(Path, found))
    Path("videos", "new.jpg").write_bytes(Path("videos", "a.jpg").read_bytes())
    assert batch.main(["videos", "--out", out, "--workers", "1"]) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("1 files, ")


def test_an_archive_without_films_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("no film")
    assert batch.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[1:] == [f"Expected films or photos in {tmp_path}. Received: none"]


def test_what_is_named_like_a_film_counts_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.MP4").write_bytes(b"")
    assert batch.main([str(tmp_path), "--out", str(tmp_path / "out"), "--workers", "1"]) == 1
    assert "empty.MP4: Expected a video" in capsys.readouterr().err


def test_an_out_that_is_a_file_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "a.jpg"), stamped(0))
    with pytest.raises(SystemExit) as ended:
        batch.main([str(tmp_path), "--out", str(tmp_path / "a.jpg")])
    assert ended.value.code == 2
    assert "Received: " in capsys.readouterr().err


@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_what_was_killed_and_resumed_is_the_same(
    kills: int, archive: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "edge.batch", archive, "--out", tmp_path, "--workers", "2"]
    dice, midway = random.Random(3), 0
    for number in range(kills):
        run = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
        if number % 3 == 2:  # some before it has begun to write, or between two files
            time.sleep(dice.uniform(0, 3))
        else:
            wait_until_it_writes(run, tmp_path)
            time.sleep(dice.uniform(0, 0.3))
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        midway += bool(half_files(tmp_path))
    subprocess.run(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    assert midway, "no kill met a file that was being written"
    assert results(tmp_path) == whole, "and no half files"


def wait_until_it_writes(run: subprocess.Popen[bytes], out: Path) -> None:
    """Until it is within a file that the last run did not leave half."""
    left = half_files(out)
    while run.poll() is None and half_files(out).items() <= left.items():
        time.sleep(0.01)


def half_files(out: Path) -> dict[Path, int]:
    """Files that are being written, or were when a kill came, with the time of their last change."""
    found = {}
    for path in out.rglob(".part.*"):
        with contextlib.suppress(FileNotFoundError):  # it is finished
            found[path] = path.stat().st_mtime_ns
    return found


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_cores_are_almost_twice_as_fast_as_one(tmp_path: Path) -> None:
    """Only a machine that does nothing else can say: where others take a tenth of the cores, it is tried again."""
    write_clips(tmp_path, clips=100, frames=8)
    cores = sorted(os.sched_getaffinity(0))[:2]
    for _ in range(4):
        one, two = measure(tmp_path, cores[:1]), measure(tmp_path, cores)
        if one.wall_s / two.wall_s >= LEAST_SPEED:
            return
        if max(one.others, two.others) < QUIET:
            break
    else:
        pytest.skip(f"others took {two.others:.0%} of the cores")
    assert one.wall_s / two.wall_s >= LEAST_SPEED, (one, two)


def _crash(job: int) -> int:
    if job == 2:
        os.abort()
    return job


def test_a_file_that_kills_its_process_costs_only_itself() -> None:
    assert sorted(local(_crash, range(5), 2, lambda job: -job)) == [-2, 0, 1, 3, 4]


def test_a_ray_cluster_gives_the_same(archive: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    assert batch.main([str(archive), "--out", str(tmp_path), "--workers", "2", "--engine", "ray"]) == 1
    assert results(tmp_path) == whole
