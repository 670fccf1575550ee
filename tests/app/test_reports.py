"""Reports that belong to a model."""

import json
from pathlib import Path

import pytest

from app import reports
from edge.model_info import ModelInfo


@pytest.mark.parametrize(("sha256", "accuracy"), [("abc", 0.7), ("def", 0.6), ("other", None)])
def test_reports_are_those_of_the_model(tmp_path: Path, sha256: str, accuracy: float | None) -> None:
    for run, known, value in (("run-1", "def", 0.6), ("run-2", "abc", 0.7)):
        (tmp_path / run).mkdir()
        (tmp_path / run / "report.json").write_text(json.dumps({"scores": {"PrivateTest": value}}))
        (tmp_path / run / "convert.json").write_text(json.dumps({"keras_sha256": known, "variants": {"int8": value}}))
        (tmp_path / run / "history.json").write_text("[]")
    info = ModelInfo("edge", keras_sha256=sha256)
    assert reports.training_scores(info, tmp_path).get("PrivateTest") == accuracy
    assert reports.conversion_variants(info, tmp_path).get("int8") == accuracy
