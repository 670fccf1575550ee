"""Runs TFLite files in a fresh process, for the proof: returns their probabilities and latencies.

The process imports only edge, so the files run as on a device; TensorFlow would break tflite-runtime in the
same process. `run_probe` starts the process, which is `python -m convert.probe FOLDER`.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import EmotionError, ModelError
from edge.interpreter import EmotionClassifier
from edge.results import FaceInput, Probabilities

TIMED_ROUNDS = 60
_TIMED_FACES = 4
PROBABILITIES = "probabilities"


@dataclass(frozen=True)
class Probed:
    """What a fresh process measured of one file."""

    probabilities: Mapping[str, Probabilities]
    """The probabilities (n, labels) by head."""
    latency_ms: float
    """The median time for one face; compare it only within one probe."""


def run_probe(files: dict[str, Path], faces: FaceInput, runtime: str, folder: Path) -> dict[str, Probed]:
    """Run each file on all faces through the edge interpreter, in a new process.

    Args:
        folder: where the two processes exchange files.

    Raises:
        ModelError: the runtime refuses a file.
    """
    np.save(folder / "faces.npy", faces)
    request = {"runtime": runtime, "files": {name: str(path) for name, path in files.items()}}
    (folder / "request.json").write_text(json.dumps(request))
    done = subprocess.run([sys.executable, "-m", "convert.probe", str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise ModelError(_reason(done, runtime))
    with np.load(folder / "answer.npz") as answer:
        return {name: _read(answer, name) for name in files}


def main() -> int:
    """Process the request in the folder that the first argument names."""
    folder = Path(sys.argv[1])
    request = json.loads((folder / "request.json").read_text())
    faces = np.load(folder / "faces.npy")
    try:
        classifiers = {name: EmotionClassifier(path, request["runtime"]) for name, path in request["files"].items()}
    except EmotionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    answer = {f"{name}/latency_ms": np.array(ms) for name, ms in _measure_latency(classifiers, faces).items()}
    for name, classifier in classifiers.items():
        for head, probabilities in classifier.predict_heads(faces).items():
            answer[f"{name}/{PROBABILITIES}/{head}"] = probabilities
    np.savez(folder / "answer.npz", **answer)
    return 0


def _read(answer: Mapping[str, Any], name: str) -> Probed:
    start = f"{name}/{PROBABILITIES}/"
    heads = {key.removeprefix(start): answer[key] for key in answer if key.startswith(start)}
    return Probed(heads, float(answer[f"{name}/latency_ms"]))


def _reason(done: "subprocess.CompletedProcess[str]", runtime: str) -> str:
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return last if last.startswith("Expected") else f"Expected files that {runtime} can run. Received: {last}"


def _measure_latency(classifiers: dict[str, EmotionClassifier], faces: FaceInput) -> dict[str, float]:
    """Measure median milliseconds per face; the files take turns, so that a busy machine slows all alike."""
    some = faces[np.arange(_TIMED_FACES) % len(faces)]
    timings: dict[str, list[float]] = {name: [] for name in classifiers}
    for classifier in classifiers.values():
        classifier.warm_up()
    for _ in range(TIMED_ROUNDS):
        for name, classifier in classifiers.items():
            start = time.perf_counter()
            classifier.predict(some)
            timings[name].append((time.perf_counter() - start) * 1000 / _TIMED_FACES)
    return {name: statistics.median(times) for name, times in timings.items()}


if __name__ == "__main__":
    sys.exit(main())
