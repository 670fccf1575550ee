"""The table of what model files say of themselves."""

from pathlib import Path

import pytest

from benchmarks.models_table import main, models_table
from edge.model_info import Head, ModelInfo, write_model_info

HEAD = Head(accuracy={"FER-2013's label": {"PrivateTest": 0.7012, "PublicTest": 0.6899}})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file that carries a contract, with figures."""
    path = tmp_path / "emotion_int8.tflite"
    path.write_bytes(b"a network" * 1000)
    write_model_info(path, ModelInfo("test", heads=(HEAD,)))
    return path


def test_the_figures_come_from_the_file(model: Path) -> None:
    head, _, row = [[cell.strip() for cell in line.split("|")[1:-1]] for line in models_table([model]).splitlines()]

    assert head == ["file", "kB", "scores", "right is", "PrivateTest", "PublicTest"]
    assert row[0] == "`emotion_int8.tflite`"
    assert row[2:] == ["label", "FER-2013's label", "70.1%", "69.0%"]


def test_a_file_without_a_contract_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.tflite").write_text("not a model")

    assert main([str(tmp_path / "model.tflite")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
