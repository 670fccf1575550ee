"""A hundred wrong inputs to train, convert, inspect and analyze: one line, the right code, nothing lost."""

import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from convert.__main__ import main as convert
from convert.config import ConvertConfig
from convert.inspect import main as inspect
from edge.config import EdgeConfig
from edge.model_info import ModelInfo, write_model_info
from tests.train import synthetic
from train import __main__ as training
from train import analyze as analysis
from train.augment import Augmentation
from train.config import TrainConfig

BUNDLED = EdgeConfig().model_path
WRONG_NUMBERS = ("nan", "inf", "-7", "many")
PIXELS = " ".join(["7"] * 2304)


def wrong_options(config: type) -> Iterator[list[str]]:
    """Each number of a configuration with values that it can't have, and each choice with an unknown word."""
    for one in fields(config):
        flag = "--" + one.name.replace("_", "-")
        if one.metadata.get("choices"):
            yield [flag, "crystal-ball"]
        elif isinstance(one.default, float) or (isinstance(one.default, int) and not isinstance(one.default, bool)):
            yield [flag, WRONG_NUMBERS[len(flag) % len(WRONG_NUMBERS)]]
            yield [flag, "-7"]


ROWS = [
    "9,PIXELS,Training", "-1,PIXELS,Training", ",PIXELS,Training", "furious,PIXELS,Training", "3,1 2 3,Training",
    "3,PIXELS 8,Training", "3,,Training", "3,-1 PIXELS,Training", "3,PIXELS,Sometimes", "3,PIXELS,", "3", "3;4;5",
]  # fmt: skip
CONTENTS = [b"", b"text", b"\x1f\x8b damaged", b"PK\x03\x04 damaged", b"\xff\xfe\x00\xd8", bytes(1000)]
FOLDERS = [[], ["a/1.png"], ["0/1.png", "6/2.png"], ["contempt/1.png"], ["test/happy/1.png"], ["happy/1.txt"]]
TRAIN = [[*options, "--data", "DATA"] for config in (TrainConfig, Augmentation) for options in wrong_options(config)]
CONVERT = [["x.keras", *options] for options in wrong_options(ConvertConfig)] + [
    ["x.keras", "--labels", "happy,sad"],
    ["x.keras", "--input", "gray48"],
    ["x.keras", "--labels", "happy", "--input", "gray48"],
    ["x.keras", "--labels", "happy,sad", "--input", "blue48"],
    ["x.keras", "--pixels", "unit"],
    ["x.keras", "--int9"],
]


@pytest.fixture
def code_of(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command in this process; checks that it says one line and leaves the folder as it was."""
    monkeypatch.setenv("FER2013", str(tmp_path / "nowhere"))

    def run(main: Callable[..., int], arguments: list[str], program: str = "python -m train") -> int:
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", [program, *arguments])
        try:
            code = main() if program.startswith("python -m train") else main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert len(said.splitlines()) == 1, said
        assert "Received: " in said or program in said or "usage" in said, said
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
        return code

    return run


def test_there_are_a_hundred_of_them() -> None:
    assert len(TRAIN) + len(CONVERT) + len(ROWS) + 3 * len(CONTENTS) + len(FOLDERS) >= 100


@pytest.mark.parametrize("options", TRAIN, ids=" ".join)
def test_a_wrong_value_of_an_option_of_train_is_2(options: list[str], code_of: Callable[..., int]) -> None:
    assert code_of(training.main, options) == 2


@pytest.mark.parametrize("arguments", CONVERT, ids=" ".join)
def test_a_wrong_value_of_an_option_of_convert_is_2(arguments: list[str], code_of: Callable[..., int]) -> None:
    assert code_of(convert, arguments, "python -m convert") == 2


@pytest.mark.parametrize("row", ROWS)
def test_a_wrong_row_is_1(row: str, tmp_path: Path, code_of: Callable[..., int]) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(f"emotion,pixels,Usage\n3,{PIXELS},Training\n{row.replace('PIXELS', PIXELS)}\n")
    assert code_of(training.main, ["--data", str(path), "--heads", "label", "--out", str(tmp_path / "run")]) == 1


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("name", ["fer2013.csv", "fer2013.zip", "fer2013.tar.gz"])
def test_a_damaged_file_is_1(content: bytes, name: str, tmp_path: Path, code_of: Callable[..., int]) -> None:
    (tmp_path / name).write_bytes(content)
    assert code_of(training.main, ["--data", str(tmp_path / name), "--heads", "label"]) == 1


@pytest.mark.parametrize("files", FOLDERS)
def test_a_folder_that_can_not_be_learned_is_1(files: list[str], tmp_path: Path, code_of: Callable[..., int]) -> None:
    synthetic.write_images(tmp_path / "mine", dict.fromkeys(files, "happy"))
    assert code_of(training.main, ["--data", str(tmp_path / "mine"), "--heads", "label"]) == 1


@pytest.mark.parametrize("content", CONTENTS)
def test_what_is_no_network_is_1(content: bytes, tmp_path: Path, code_of: Callable[..., int]) -> None:
    (tmp_path / "x.keras").write_bytes(content)
    declared = ["--labels", "happy,sad", "--input", "gray48"]
    assert code_of(convert, [str(tmp_path / "x.keras")], "python -m convert") == 1
    assert code_of(convert, [str(tmp_path / "x.keras"), *declared], "python -m convert") == 1
    assert code_of(inspect, [str(tmp_path / "x.keras")], "python -m convert.inspect") == 1


@pytest.mark.parametrize("cut", [3, 400, 100_000])
def test_a_file_with_a_contract_and_half_a_network_is_1(cut: int, tmp_path: Path, code_of: Callable[..., int]) -> None:
    whole = BUNDLED.read_bytes()
    (tmp_path / "half.tflite").write_bytes(whole[cut:])
    assert code_of(inspect, [str(tmp_path / "half.tflite")], "python -m convert.inspect") == 1


def test_a_keras_file_without_a_network_is_1(tmp_path: Path, code_of: Callable[..., int]) -> None:
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as members:
        members.writestr("config.json", "{}")
    write_model_info(tmp_path / "x.keras", ModelInfo("x"))
    assert code_of(convert, [str(tmp_path / "x.keras")], "python -m convert") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["MISSING"],
        ["MISSING", "--data", "DATA"],
        ["TEXT", "--data", "DATA"],
        ["TEXT"],
    ],
)
def test_what_can_not_be_analyzed_is_1(arguments: list[str], tmp_path: Path, code_of: Callable[..., int]) -> None:
    data = synthetic.write_folder(tmp_path / "fer")
    (tmp_path / "text.keras").write_text("text")
    places = {"MISSING": tmp_path / "none.keras", "TEXT": tmp_path / "text.keras", "DATA": data}
    given = [str(places.get(word, word)) for word in arguments]
    assert code_of(analysis.main, given, "python -m train.analyze") == 1


def test_a_run_is_not_overwritten(tmp_path: Path, code_of: Callable[..., int]) -> None:
    data = synthetic.write_folder(tmp_path / "fer")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/model.keras").write_bytes(os.urandom(10))
    options = ["--data", str(data), "--heads", "label", "--out", str(tmp_path / "run")]
    assert code_of(training.main, options) == 1
