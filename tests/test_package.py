"""The package as pip sees it: one TFLite runtime for each Python, its own top-level names, and its data."""

import configparser
import importlib.metadata
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
DISTRIBUTION = "emotion-edge"
PACKAGES = ("app", "convert", "edge", "train")
RUNTIMES = {"tflite-runtime", "ai-edge-litert"}


@pytest.fixture(scope="module")
def setup() -> configparser.ConfigParser:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    return settings


@pytest.mark.parametrize(
    ("python", "system", "runtime"),
    [
        ("3.10", "linux", "tflite-runtime"),
        ("3.11", "linux", "tflite-runtime"),
        ("3.12", "linux", "ai-edge-litert"),
        ("3.13", "linux", "ai-edge-litert"),
        ("3.11", "darwin", "ai-edge-litert"),
    ],
)
def test_each_python_gets_one_runtime(setup: configparser.ConfigParser, python: str, system: str, runtime: str) -> None:
    place = {"python_version": python, "sys_platform": system, "extra": ""}
    required = [Requirement(line) for line in setup["options"]["install_requires"].split("\n") if line]

    installed = [r.name for r in required if r.marker is None or r.marker.evaluate(place)]

    assert sorted(installed) == sorted(["numpy", "opencv-python", runtime])


@pytest.mark.parametrize(("python", "newest"), [("3.11", "2.3.0"), ("3.12", "2.3.0"), ("3.13", "2.3.0")])
def test_no_untried_runtime_is_taken(setup: configparser.ConfigParser, python: str, newest: str) -> None:
    lines = setup["options"]["install_requires"] + setup["options.extras_require"]["litert"]
    place = {"python_version": python, "sys_platform": "linux", "extra": ""}
    required = [Requirement(line) for line in lines.split("\n") if line.startswith("ai-edge-litert")]
    asked = [r.specifier for r in required if r.marker is None or r.marker.evaluate(place)]
    assert asked
    assert all(newest in versions and f"{int(newest[0]) + 1}.0" not in versions for versions in asked)


def test_no_other_distribution_owns_our_names() -> None:
    owners = importlib.metadata.packages_distributions()

    assert {name: set(owners.get(name, [])) for name in PACKAGES} == {name: {DISTRIBUTION} for name in PACKAGES}


def test_the_version_stands_in_one_place() -> None:
    import edge

    assert importlib.metadata.version(DISTRIBUTION) == edge.__version__


def test_pyproject_holds_only_what_setup_cfg_cannot() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert set(settings) == {"build-system", "tool"}
    assert set(settings["tool"]) == {"ruff"}


def test_every_command_of_the_package_loads(setup: configparser.ConfigParser) -> None:
    commands = importlib.metadata.entry_points(group="console_scripts")
    ours = {command.name: command for command in commands if command.name.startswith("emotion-")}

    assert set(ours) == {"emotion-convert", "emotion-edge", "emotion-train"}
    assert all(callable(command.load()) for command in ours.values())


def test_edge_carries_its_data(setup: configparser.ConfigParser) -> None:
    patterns = setup["options.package_data"]["edge"].split()

    found = {pattern: list((ROOT / "edge").glob(pattern)) for pattern in patterns}

    assert all(found.values()), found
