"""The examples run outside the project's folder as they are, and stay short."""

import re
import shutil
from pathlib import Path

import pytest

from tests.processes import ROOT, run_python

EXAMPLES = {
    "asyncio_service.py": "faces=(Face(track_id=1, box=Box(",
    "count_smiles.py": "1 smiles\n",
    "own_detector.py": "3 Box(x=200, y=120, width=240, height=240) ",
    "own_images.py": "1 Box(x=",
    "own_source.py": "0.36 s (400, 400, 3) ['happy']\n",
    "photos.py": "% photo 0 with 1 faces\n",
    "two_cameras.py": "portrait.jpg is ended",
    "video_chart.py": "300 frames with a face: chart.png\n",
}


def test_each_example_is_tested() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_and_is_short(name: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / name, tmp_path)
    ended = run_python(name, cwd=tmp_path, root=ROOT)
    assert ended.returncode == 0, ended.stderr
    assert EXAMPLES[name] in ended.stdout
    assert len((tmp_path / name).read_text().splitlines()) < 25


def test_the_tutorial_of_the_library_runs(tmp_path: Path) -> None:
    program = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "library.md").read_text(), re.DOTALL)[0]
    ended = run_python("-c", program, cwd=tmp_path, root=ROOT)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count(" happy ") > 20
