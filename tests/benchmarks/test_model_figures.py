"""What the app is told of the reports."""

import json
from pathlib import Path

import pytest

from benchmarks.model_figures import figures_of, main
from edge.errors import ConfigError


def write_run(folder: Path, keras_sha256: str, recall: float) -> None:
    """Reports of a training and of its conversion."""
    folder.mkdir()
    score = {"count": 10, "accuracy": 0.5, "recall": {"happy": recall}, "confusion": [[1]]}
    (folder / "report.json").write_text(json.dumps({"scores": {"people": {"FER+ majority": {"PrivateTest": score}}}}))
    loss = {"agreement": 0.99, "drop_points": 0.1, "kl_divergence": 0.001}
    proof = {"runtime": "tflite", "losses_by_runtime": {"tflite": {"people": loss}, "litert": {}}}
    (folder / "convert.json").write_text(json.dumps({"keras_sha256": keras_sha256, "variants": {"int8": proof}}))
    (folder / "history.json").write_text("[]")


@pytest.mark.parametrize(("sha256", "recall"), [("abc", 0.7), ("def", 0.6)])
def test_they_are_those_of_the_network(tmp_path: Path, sha256: str, recall: float) -> None:
    write_run(tmp_path / "run-1", "def", 0.6)
    write_run(tmp_path / "run-2", "abc", 0.7)
    score = {"count": 10, "recall": {"happy": recall}, "confusion": [[1]]}
    assert json.loads(figures_of(sha256, tmp_path)) == {
        "keras_sha256": sha256,
        "scores": {"people": {"FER+ majority": {"PrivateTest": score}}},
        "conversion": {"int8": {"people": {"agreement": 0.99, "drop_points": 0.1}}},
    }


def test_a_network_without_a_report_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Received: none"):
        figures_of("abc", tmp_path)


def test_the_file_is_written(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path / "figures.json")]) == 0
    assert json.loads((tmp_path / "figures.json").read_text())["scores"]
