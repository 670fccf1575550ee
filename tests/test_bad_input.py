"""Bad input to the edge command line: code 1 or 2, one line that says what was expected, nothing left behind."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.config import EdgeConfig
from tests.processes import run_python

BUNDLED = EdgeConfig().model_path


def _text_file(folder: Path) -> list[str]:
    (folder / "model.tflite").write_text("not a model")
    return ["--model", str(folder / "model.tflite"), "--source", "demo"]


def _truncated(folder: Path) -> list[str]:
    (folder / "model.tflite").write_bytes(BUNDLED.read_bytes()[: BUNDLED.stat().st_size // 2])
    return ["--model", str(folder / "model.tflite"), "--source", "demo"]


def _truncated_within_contract(folder: Path) -> list[str]:
    """The contract at the end is whole, the network before it is not."""
    (folder / "model.tflite").write_bytes(BUNDLED.read_bytes()[BUNDLED.stat().st_size // 2 :])
    return ["--model", str(folder / "model.tflite"), "--source", "demo"]


def _without_contract(folder: Path) -> list[str]:
    whole = BUNDLED.read_bytes()
    (folder / "model.tflite").write_bytes(whole[: whole.index(b"PK\x03\x04")])
    return ["--model", str(folder / "model.tflite"), "--source", "demo"]


def _missing_model(folder: Path) -> list[str]:
    return ["--model", str(folder / "none.tflite"), "--source", "demo"]


def _directory_as_model(folder: Path) -> list[str]:
    return ["--model", str(folder), "--source", "demo"]


def _missing_video(folder: Path) -> list[str]:
    return ["--source", str(folder / "none.mp4")]


def _empty_directory(folder: Path) -> list[str]:
    (folder / "empty").mkdir()
    return ["--source", str(folder / "empty")]


def _corrupt_jpeg(folder: Path) -> list[str]:
    (folder / "face.jpg").write_bytes(b"\xff\xd8\xff\xe0 no image")
    return ["--source", str(folder / "face.jpg")]


def _empty_video(folder: Path) -> list[str]:
    (folder / "empty.mp4").touch()
    return ["--source", str(folder / "empty.mp4")]


def _truncated_video(folder: Path) -> list[str]:
    writer = cv2.VideoWriter(str(folder / "whole.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for _ in range(20):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    (folder / "half.mp4").write_bytes((folder / "whole.mp4").read_bytes()[:200])
    return ["--source", str(folder / "half.mp4")]


def _unknown_option_value(_: Path) -> list[str]:
    return ["--source", "demo", "--detector", "crystal-ball"]


def _unknown_option(_: Path) -> list[str]:
    return ["--source", "demo", "--no-such-option"]


def _number_out_of_range(_: Path) -> list[str]:
    return ["--source", "demo", "--min-face", "5"]


def _word_for_a_number(_: Path) -> list[str]:
    return ["--source", "demo", "--fps", "many"]


def _not_a_number(_: Path) -> list[str]:
    return ["--source", "demo", "--fps", "nan"]


CASES = [
    _text_file,
    _truncated,
    _truncated_within_contract,
    _without_contract,
    _missing_model,
    _directory_as_model,
    _missing_video,
    _empty_directory,
    _corrupt_jpeg,
    _empty_video,
    _truncated_video,
    _unknown_option_value,
    _unknown_option,
    _number_out_of_range,
    _word_for_a_number,
    _not_a_number,
]


@pytest.mark.parametrize("case", CASES, ids=[case.__name__.lstrip("_") for case in CASES])
def test_bad_input_is_one_line(case: Callable[[Path], list[str]], tmp_path: Path) -> None:
    arguments = case(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    run = run_python("-m", "edge.run", "--headless", *arguments)

    assert run.returncode in (1, 2), run.stderr
    assert len(run.stderr.splitlines()) == 1, run.stderr
    assert run.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_no_camera_names_the_remedy() -> None:
    run = run_python("-m", "edge.run", "--headless", "--source", "42")

    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1, run.stderr
    assert "--source demo" in run.stderr


def test_the_cases_start_from_a_model_that_works(tmp_path: Path) -> None:
    shutil.copy(BUNDLED, tmp_path / "model.tflite")

    model = str(tmp_path / "model.tflite")

    run = run_python("-m", "edge.run", "--headless", "--model", model, "--source", "demo", "--max-frames", "2")

    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) == 2
