"""Fresh processes for tests, with the repository's root as their folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NEEDS_SYSTEMD = pytest.mark.skipif(
    not Path("/lib/systemd/systemd").exists() or os.getuid() != 0, reason="needs systemd, and root"
)
_NO_GROUPS = 77
"""The exit code of the rig where it can't work."""


def run_python(
    *arguments: str, cwd: Path = ROOT, root: Path | None = None, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """A finished Python process in the folder `cwd`, which imported from `root`, or from `cwd`."""
    environment = {**os.environ, "PYTHONPATH": str(root or cwd)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout_s
    )


def under_systemd(
    script: str, *arguments: str | Path, timeout_s: float = 120, manager: str = "user_manager.sh", **variables: str
) -> subprocess.CompletedProcess[str]:
    """A bash script that has run beside a systemd manager of its own, in a session of its own."""
    command = [ROOT / "tests" / "rigs" / manager, "bash", "-c", script, "bash", *arguments]
    environment = {**os.environ, **variables}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=timeout_s, start_new_session=True
    )
    if done.returncode == _NO_GROUPS:
        pytest.skip("control groups can't be made here")
    return done
