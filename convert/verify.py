"""The proof: each file against Keras through the edge interpreter, and the gate that it must pass."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from convert.calibrate import Images
from convert.config import ConvertConfig
from convert.losses import Losses, measure_losses
from convert.probe import Probed, run_probe
from convert.tflite_file import count_operators, read_tflite
from edge.errors import ModelError
from edge.interpreter import installed_runtimes
from edge.results import Probabilities

REFERENCE = "float32"
"""The variant that latencies are compared with."""


class GateError(ModelError):
    """A file lost more than was allowed."""


@dataclass(frozen=True)
class GraphSummary:
    """What a file computes."""

    multiply_adds: int
    operators: Mapping[str, int]
    """`CONV_2D (version 3)` to how often it occurs."""


@dataclass(frozen=True)
class Proof:
    """What one file costs and what it lost."""

    variant: str
    size_bytes: int
    gzip_bytes: int
    graph: GraphSummary
    losses: Losses
    runtime: str
    """The runtime of `losses`."""
    latency_ratio: Mapping[str, float]
    """Runtime to the median latency, as a ratio to float32 in the same run."""
    agreement_by_runtime: Mapping[str, float]
    """Runtime to agreement with Keras."""
    drop_points_by_runtime: Mapping[str, float | None]
    """Runtime to Keras' accuracy minus the file's; None if the images have no labels."""


def prove(
    files: Mapping[str, Path], keras: Probabilities, images: Images, labels: tuple[str, ...], folder: Path
) -> dict[str, Proof]:
    """Run every file in every installed runtime and compare it with Keras.

    Args:
        files: variant to file, with its contract; `float32` must be among them.
        keras: Keras' probabilities of `images`.
        folder: scratch for the fresh processes.

    Raises:
        ModelError: a runtime refuses a file.
    """
    runs = {runtime: run_probe(dict(files), images.faces, runtime, folder) for runtime in installed_runtimes()}
    main = next(iter(runs))
    proofs = {}
    for variant, path in files.items():
        losses = {
            runtime: measure_losses(keras, run[variant].probabilities, images, labels) for runtime, run in runs.items()
        }
        proofs[variant] = Proof(
            variant=variant,
            size_bytes=path.stat().st_size,
            gzip_bytes=len(gzip.compress(path.read_bytes())),
            graph=_summarize(path),
            losses=losses[main],
            runtime=main,
            latency_ratio={runtime: _ratio(run, variant) for runtime, run in runs.items()},
            agreement_by_runtime={runtime: lost.agreement for runtime, lost in losses.items()},
            drop_points_by_runtime={runtime: lost.drop_points for runtime, lost in losses.items()},
        )
    return proofs


def check_gate(proofs: Mapping[str, Proof], config: ConvertConfig) -> None:
    """Raise a GateError if a file lost more than `config` allows, in any runtime."""
    failures = [failure for proof in proofs.values() for failure in _failures(proof, config)]
    if failures:
        raise GateError(
            f"Expected a drop of at most {config.max_drop:g} points and an agreement of at least "
            f"{config.min_agreement:g}; no file was kept. Received: {'; '.join(failures)}"
        )


def _failures(proof: Proof, config: ConvertConfig) -> list[str]:
    failures = []
    for runtime, drop in proof.drop_points_by_runtime.items():
        if drop is not None and drop > config.max_drop:
            failures.append(f"{proof.variant} drops {drop:.2f} points in {runtime}")
    for runtime, agreement in proof.agreement_by_runtime.items():
        if not agreement >= config.min_agreement:
            failures.append(f"{proof.variant} agrees on {agreement:.4f} in {runtime}")
    return failures


def _summarize(path: Path) -> GraphSummary:
    graph = read_tflite(path)
    return GraphSummary(graph.multiply_adds, count_operators(graph))


def _ratio(run: Mapping[str, Probed], variant: str) -> float:
    return run[variant].latency_ms / run[REFERENCE].latency_ms
