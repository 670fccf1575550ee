"""The peers' virtual environments, made once in .venv-peers/ (or PEERS); to make one again, delete its folder."""

import logging
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
REQUIREMENTS = Path(__file__).parent / "requirements"
WITHOUT_DEPENDENCIES = {"fer": "fer==25.10.3"}
NOT_COUNTED = ("pip", "setuptools", "wheel", "_distutils_hack", "__pycache__")
"""Packages that every virtual environment has anyway."""

logger = logging.getLogger(__name__)


def python_of(name: str) -> Path:
    """The Python of the environment `name`, which is made if it does not exist."""
    folder = _folder(name)
    python = folder / "bin" / "python"
    if not (folder / "complete").is_file():
        logger.info("Making %s", folder)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        _install(python, "--requirement", REQUIREMENTS / f"{name}.txt")
        if name in WITHOUT_DEPENDENCIES:
            _install(python, "--no-deps", WITHOUT_DEPENDENCIES[name])
        (folder / "complete").touch()
    return python


def installed_mb(name: str) -> float:
    """The size of all packages installed in the environment in MB (10^6), without pip and compiled caches."""
    [packages] = (_folder(name) / "lib").glob("python*/site-packages")
    counted = [entry for entry in packages.iterdir() if not entry.name.startswith(NOT_COUNTED)]
    return sum(_size(entry) for entry in counted) / 1e6


def folder_mb(folder: Path) -> float:
    """The size of the files below a folder in MB (10^6), without compiled caches."""
    return _size(folder) / 1e6


def _folder(name: str) -> Path:
    return Path(os.environ.get("PEERS") or ROOT / ".venv-peers") / name


def _install(python: Path, *what: str | Path) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "10", *what]
    subprocess.run(command, check=True)


def _size(entry: Path) -> int:
    if not entry.is_dir():
        return entry.stat().st_size
    files = (file for file in entry.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return sum(file.stat().st_size for file in files)
