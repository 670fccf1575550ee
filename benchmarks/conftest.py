"""Options, shared fixtures and the table at the end of `pytest benchmarks/`."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import machine, models, timing
from benchmarks.fer2013 import find_test_images
from benchmarks.tables import Tables, to_markdown
from edge.interpreter import MODELS
from train.data import Dataset

TABLES = pytest.StashKey[Tables]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("benchmarks")
    group.addoption("--models", type=Path, default=MODELS, help="folder of emotion_*.tflite to measure")
    group.addoption("--peers", action="store_true", help="measure the alternatives too (makes .venv-peers once)")
    group.addoption("--keras", default="", help="the shipped network's .keras file, for the peers that run it in Keras")
    group.addoption("--photos", type=Path, help="photographs and their heads.json (default: the portrait)")
    group.addoption("--soak-minutes", type=float, default=0.05, help="how long the soak run lasts")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLES] = Tables()
    config.option.benchmark_columns = ["min", "median", "iqr", "rounds"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if collection_path.name == "peers" and not config.option.peers else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", list(models.shipped(metafunc.config.option.models)))


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    machine_info.clear()  # no host name in a saved run
    machine_info.update(machine.describe(), identity=machine.identity())


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for title, rows in config.stash[TABLES].rows.items():
        terminalreporter.section(title)
        terminalreporter.write_line(to_markdown(rows))


@pytest.fixture(scope="session")
def tables(pytestconfig: pytest.Config) -> Tables:
    """The tables that are printed at the end."""
    return pytestconfig.stash[TABLES]


@pytest.fixture(scope="session")
def variants(pytestconfig: pytest.Config) -> dict[str, Path]:
    """The model files by variant."""
    found = models.shipped(pytestconfig.option.models)
    assert found, f"Expected emotion_*.tflite. Received: none in {pytestconfig.option.models}"
    return found


@pytest.fixture(scope="session")
def dataset() -> Dataset | None:
    """FER-2013's test images (at FER2013 or in data/); None if they are missing: then generated faces are used."""
    return find_test_images()


@pytest.fixture(autouse=True)
def _moment_in_extra_info(request: pytest.FixtureRequest) -> None:
    """Save the machine's state when a benchmark begins (governor, versions, load), and the yardstick's time."""
    if "benchmark" in request.fixturenames:
        info = request.getfixturevalue("benchmark").extra_info
        info.update(machine.describe())
        info["yardstick_ms"] = timing.interleaved_ms([timing.yardstick()], rounds=20)[0]
