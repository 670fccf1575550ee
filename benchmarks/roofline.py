"""How close the classifier is to the limit of one core: its multiply-adds per second against a plain matrix product.

The limit is measured by NumPy's float32 matrix product on one thread (`python -m benchmarks.roofline`
prints both). A core with an int8 dot product can do four int8 multiply-adds where it does one in
float32; no plain NumPy call reaches that, so for int8 the limit is four times the float one there.

The matrix product may be slow: an OpenBLAS older than the processor picks an unsuitable kernel. Then
the classifier beats the "limit", and the row says so: this is not a mistake of the classifier.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import machine, models
from benchmarks.timing import interleaved_ms
from convert.tflite_file import read_tflite
from edge.interpreter import EmotionClassifier

SIDE = 512
"""Side of the matrices: large enough to reach the limit, small enough for the cache."""
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
KERNEL = {"OPENBLAS_CORETYPE": ""}
"""OpenBLAS takes its slowest kernel on an unknown newer processor; an empty name makes it check the instruction set."""
SLOW_YARDSTICK = "slow yardstick: OpenBLAS does not reach this core's limit"


class Roofline(NamedTuple):
    """The speed of one variant, in billions of multiply-adds per second."""

    variant: str
    runtime: str
    multiply_adds: int
    achieved: float
    limit: float
    share: float
    """The share of the limit; above 1 if the matrix product does not reach the core's limit."""
    note: str


def measure(variants: dict[str, Path], runtime: str = "auto", rounds: int = 60) -> list[Roofline]:
    """Measure each variant and the matrix product in turns, in a process with one BLAS thread."""
    return [Roofline(*row) for row in json.loads(_run_alone(variants, runtime, rounds))]


def _run_alone(variants: dict[str, Path], runtime: str, rounds: int) -> str:
    request = json.dumps({"variants": {k: str(v) for k, v in variants.items()}, "runtime": runtime, "rounds": rounds})
    command = [sys.executable, "-m", "benchmarks.roofline", request]
    root = Path(__file__).parent.parent
    return subprocess.run(
        command, cwd=root, env=blas_environment(os.environ), check=True, capture_output=True, text=True
    ).stdout


def blas_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment with one BLAS thread and our choice of kernel, without the shell's settings of OpenBLAS."""
    others = {name: value for name, value in inherited.items() if not name.startswith("OPENBLAS_")}
    return {**others, **KERNEL, **ONE_THREAD}


def _measure_here(variants: dict[str, Path], runtime: str, rounds: int) -> list[Roofline]:
    left, right = np.random.default_rng(0).random((2, SIDE, SIDE), dtype=np.float32)
    face = np.random.default_rng(0).integers(0, 256, (1, 48, 48, 1), dtype=np.uint8)
    classifiers = [EmotionClassifier(file, runtime) for file in variants.values()]
    works = [partial(np.matmul, left, right), *(partial(classifier.predict, face) for classifier in classifiers)]
    product_ms, *times_ms = interleaved_ms(works, rounds)
    float_limit = SIDE**3 / product_ms / 1e6
    rows = zip(variants.items(), times_ms, strict=True)
    return [_roofline(name, file, runtime, time_ms, float_limit) for (name, file), time_ms in rows]


def _roofline(variant: str, file: Path, runtime: str, time_ms: float, float_limit: float) -> Roofline:
    count = read_tflite(file).multiply_adds
    limit = float_limit * (4 if variant == "int8" and machine.has_int8_dot_product() else 1)
    return row(variant, runtime, count, achieved=count / time_ms / 1e6, limit=limit)


def row(variant: str, runtime: str, multiply_adds: int, achieved: float, limit: float) -> Roofline:
    """A line of the table, with a note if the classifier beats the yardstick."""
    share = achieved / limit
    return Roofline(variant, runtime, multiply_adds, achieved, limit, share, SLOW_YARDSTICK if share > 1 else "")


def main() -> None:
    """Print the rows as JSON, for the request in the first argument, or for the shipped models."""
    request: dict[str, Any] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    variants = {name: Path(file) for name, file in request.get("variants", models.shipped()).items()}
    rows = _measure_here(variants, request.get("runtime", "auto"), request.get("rounds", 60))
    sys.stdout.write(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
