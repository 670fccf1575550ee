"""Saved runs (`pytest benchmarks --benchmark-autosave`), and the gate that compares this machine with its past.

A latency is given as a ratio to the yardstick, timed just before it, and compared with the median
of the earlier runs on the same kind of machine. It must not leave the band on either side: a time that falls
by a third means a faster program or a broken benchmark, and somebody should find out which.
"""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.drift import Regression, compare
from edge.errors import DataError

FOLDER = Path(".benchmarks")


class Run(NamedTuple):
    """One saved run."""

    saved_at: str
    """ISO 8601, UTC."""
    commit: str
    machine: str
    """`machine.identity()`: only runs with the same identity are compared."""
    processor: str
    fastest_ms: dict[str, float]
    """The fastest time of each benchmark in milliseconds."""
    ratios: dict[str, float]
    """The fastest time of each benchmark, as a ratio to the yardstick."""


def read_runs(folder: Path = FOLDER) -> list[Run]:
    """Read all saved runs, oldest first: by the numbers in the file names, since the clock may have been wrong.

    Each Python version has a folder with its own numbers; the folder that was saved to last comes last.

    Raises:
        DataError: there are no runs, or a file is not from these benchmarks.
    """
    files = sorted(folder.rglob("*.json"))
    if not files:
        raise DataError(f"Expected runs saved by 'pytest benchmarks --benchmark-autosave'. Received: none in {folder}")
    folders = [[_read(file) for file in group] for _, group in itertools.groupby(files, key=lambda file: file.parent)]
    return [run for runs in sorted(folders, key=lambda runs: runs[-1].saved_at) for run in runs]


def gate(runs: Sequence[Run]) -> list[Regression]:
    """The benchmarks of the newest run outside the band around the median of this machine's earlier runs, if any."""
    newest = runs[-1]
    earlier = [run for run in runs[:-1] if run.machine == newest.machine]
    if not earlier:
        return []
    known = {name for run in earlier for name in run.ratios}
    reference = {
        f"latency/{name}": float(np.median([run.ratios[name] for run in earlier if name in run.ratios]))
        for name in sorted(known & set(newest.ratios))
    }
    return compare(reference, {f"latency/{name}": ratio for name, ratio in newest.ratios.items()})


def _read(file: Path) -> Run:
    try:
        saved = json.loads(file.read_text())
        fastest = {bench["name"]: bench["stats"]["min"] * 1e3 for bench in saved["benchmarks"]}
        yardsticks = {bench["name"]: bench["extra_info"]["yardstick_ms"] for bench in saved["benchmarks"]}
        ratios = {name: time_ms / yardsticks[name] for name, time_ms in fastest.items()}
        machine, commit = saved["machine_info"], saved["commit_info"]["id"][:8]
        return Run(saved["datetime"], commit, machine["identity"], machine["processor"], fastest, ratios)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"Expected a run saved by these benchmarks at {file}. Received: {error!r}") from error
