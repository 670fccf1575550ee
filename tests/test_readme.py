"""The README says what the files say: the accuracy table, the links, the commands."""

import re
from pathlib import Path

import pytest

from benchmarks.models_table import models_table
from edge.interpreter import MODELS
from tests.processes import ROOT, run_python

README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_the_accuracy_table_is_the_models_own() -> None:
    table = re.search(r"<!-- models -->\n(.*?)<!-- /models -->", README, re.DOTALL)

    assert table is not None
    assert table[1] == models_table(sorted(MODELS.glob("emotion_*.tflite")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("module", ["train", "convert", "edge.run"])
def test_the_commands_of_the_readme_exist(module: str) -> None:
    run = run_python("-m", module, "--help")

    assert f"python -m {module}" in README
    assert run.returncode == 0, run.stderr
