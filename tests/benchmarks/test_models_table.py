"""The table of what model files say of themselves."""

from pathlib import Path

import pytest

from benchmarks.models_table import main, models_table
from edge.model_info import ModelInfo, write_model_info


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file that carries a contract, with figures."""
    path = tmp_path / "emotion_int8.tflite"
    path.write_bytes(b"a network" * 1000)
    write_model_info(path, ModelInfo("edge", accuracy={"PrivateTest": 0.7012, "PublicTest": 0.6899}))
    return path


def test_the_figures_come_from_the_file(model: Path) -> None:
    table = models_table([model]).splitlines()

    assert table[0] == "| file | kB | PrivateTest | PublicTest |"
    assert table[2].startswith("| `emotion_int8.tflite` | ")
    assert table[2].endswith(" | 70.1% | 69.0% |")


def test_a_file_without_a_contract_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.tflite").write_text("not a model")

    assert main([str(tmp_path / "model.tflite")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
