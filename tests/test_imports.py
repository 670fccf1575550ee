"""Who may import whom: the device needs only `edge/`, and the checks that say so do bite."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import ROOT, run_python

GUARD = ROOT / "tests" / "import_guard.py"
HEAVY = {"tensorflow", "keras", "torch", "jax", "streamlit", "matplotlib", "pandas", "train", "convert", "app"}
EDGE_MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "edge").rglob("*.py")
    if path.stem != "__init__"
)


def run_import_linter(root: Path) -> subprocess.CompletedProcess[str]:
    """`lint-imports` on the packages in `root`."""
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return run_python("-c", program, cwd=root)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the packages and their import contracts."""
    for package in ("app", "benchmarks", "convert", "edge", "train"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


def test_every_edge_module_loads_on_a_device() -> None:
    program = "\n".join(f"import {module}" for module in EDGE_MODULES)

    run = run_python(str(GUARD), program)

    assert run.returncode == 0, run.stderr


def test_the_network_runs_on_a_device() -> None:
    program = (
        "import numpy\n"
        "from edge.config import EdgeConfig\n"
        "from edge.interpreter import EmotionClassifier\n"
        "print(EmotionClassifier(EdgeConfig().model_path).predict(numpy.zeros((1, 48, 48, 1), numpy.uint8)).sum())"
    )

    run = run_python(str(GUARD), program)

    assert run.returncode == 0, run.stderr
    assert float(run.stdout) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("module", ["pytest", "streamlit", "tensorflow", "train.data"])
def test_the_device_guard_bites(module: str) -> None:
    run = run_python(str(GUARD), f"import {module}")

    assert run.returncode == 1
    assert f"No module named '{module.split('.')[0]}' on the device" in run.stderr


def test_help_loads_nothing_heavy() -> None:
    run = run_python("-X", "importtime", "-m", "edge.run", "--help")

    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in run.stderr.splitlines() if "|" in line}
    assert run.returncode == 0
    assert "edge" in loaded
    assert loaded & HEAVY == set()


def test_import_contracts_hold(tree: Path) -> None:
    run = run_import_linter(tree)

    assert run.returncode == 0, run.stdout
    assert "0 broken" in run.stdout


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("edge", "tensorflow"),
        ("edge", "train"),
        ("edge", "streamlit"),
        ("app", "train"),
        ("app", "tensorflow"),
        ("train", "convert"),
        ("convert", "app"),
        ("benchmarks", "app"),
    ],
)
def test_import_contracts_bite(tree: Path, package: str, forbidden: str) -> None:
    (tree / package / "intruder.py").write_text(f"import {forbidden}\n")

    run = run_import_linter(tree)

    assert run.returncode == 1
    assert f"{package}.intruder -> {forbidden}" in run.stdout
