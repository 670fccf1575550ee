"""The examples run as they stand, and stay short."""

from pathlib import Path

import pytest

from tests.processes import ROOT, run_python

EXAMPLES = {"count_smiles.py": "1 smiles\n", "own_images.py": "1 Box(x="}


def test_each_example_is_tested() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_and_is_short(name: str) -> None:
    path = Path("examples") / name
    ended = run_python(str(path))
    assert ended.returncode == 0, ended.stderr
    assert EXAMPLES[name] in ended.stdout
    assert len((ROOT / path).read_text().splitlines()) <= 25
