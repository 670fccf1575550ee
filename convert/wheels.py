"""Downloads a device's packages here, so that it needs no package index: `convert.bundle --wheels aarch64`."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from edge.errors import ConfigError

PYTHONS = ("3.11", "3.13")
"""The Python versions of Raspberry Pi OS 12 and 13."""
MACHINES = ("aarch64", "x86_64")
GLIBC = (*range(17, 37),)
"""Platforms with wheels that run on the devices: Debian 12 has glibc 2.36."""


class Target(NamedTuple):
    """The device that wheels are downloaded for."""

    machine: str
    pythons: tuple[str, ...]


def download_wheels(target: Target, requirements: Iterable[str], folder: Path) -> dict[str, bytes]:
    """Download the wheels that these requirements need on the target; return the contents by `wheels/NAME`.

    Raises:
        ConfigError: a package has no wheel for it, or the index does not answer.
    """
    lines = [line for line in requirements if line.strip() and not line.lstrip().startswith("#")]
    for python in target.pythons:
        _download(target.machine, python, lines, folder)
    return {f"wheels/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.whl"))}


def _download(machine: str, python: str, lines: list[str], folder: Path) -> None:
    """Download with pip; it evaluates markers for this Python, so `lines` must already fit the target's."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in reversed(GLIBC)] + [f"manylinux2014_{machine}"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(folder)]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    command += [f"--platform={platform}" for platform in platforms]
    done = subprocess.run([*command, *_valid_there(lines, machine, python)], capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise ConfigError(f"Expected wheels for Python {python} on {machine} from the index. Received: {reason}")


def _valid_there(lines: list[str], machine: str, python: str) -> list[str]:
    from packaging.requirements import Requirement

    there = {"python_version": python, "sys_platform": "linux", "platform_machine": machine}
    valid = []
    for one in map(Requirement, lines):
        if one.marker is None or one.marker.evaluate(there):
            one.marker = None
            valid.append(str(one))
    return valid
