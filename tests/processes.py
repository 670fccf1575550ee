"""Fresh processes for tests, with the repository's root as their folder."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run_python(
    *arguments: str, cwd: Path = ROOT, root: Path | None = None, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """A finished Python process in the folder `cwd`, which imported from `root`, or from `cwd`."""
    environment = {**os.environ, "PYTHONPATH": str(root or cwd)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout_s
    )
