"""The proof compares each file, run by the edge interpreter, with Keras; the gate sets the limits of its losses."""

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
from edge.model_info import ModelInfo
from edge.results import Probabilities
from edge.runtimes import installed_runtimes

REFERENCE = "float32"
"""Latencies are compared with those of this variant."""


class GateError(ModelError):
    """A file lost more than was allowed."""


@dataclass(frozen=True)
class GraphSummary:
    """The operators of a file."""

    multiply_adds: int
    operators: Mapping[str, int]
    """How often each operator, such as `CONV_2D (version 3)`, occurs."""


@dataclass(frozen=True)
class Proof:
    """What one file costs, and what it lost against Keras."""

    variant: str
    size_bytes: int
    gzip_bytes: int
    graph: GraphSummary
    runtime: str
    """The name of the runtime that `losses` is about."""
    latency_ratio: Mapping[str, float]
    """The median latency by runtime, as a ratio to float32 in the same run."""
    losses_by_runtime: Mapping[str, Mapping[str, Losses]]
    """What was lost against Keras, by runtime and head."""

    @property
    def losses(self) -> Mapping[str, Losses]:
        """What was lost by head, in the runtime that edge uses."""
        return self.losses_by_runtime[self.runtime]


def prove(
    files: Mapping[str, Path], keras: Mapping[str, Probabilities], images: Images, info: ModelInfo, folder: Path
) -> dict[str, Proof]:
    """Run every file in every installed runtime and compare each of its heads with Keras.

    Args:
        files: the files with their contracts, by variant; `float32` must be among them.
        keras: Keras' probabilities of `images`, by head.
        images: the images of the proof.
        info: the contract of the Keras file.
        folder: a scratch folder for the fresh processes.

    Raises:
        ModelError: a runtime refuses a file.
    """
    runs = {runtime: run_probe(dict(files), images.faces, runtime, folder) for runtime in installed_runtimes()}
    proofs = {}
    for variant, path in files.items():
        proofs[variant] = Proof(
            variant=variant,
            size_bytes=path.stat().st_size,
            gzip_bytes=len(gzip.compress(path.read_bytes())),
            graph=_summarize(path),
            runtime=next(iter(runs)),
            latency_ratio={runtime: _ratio(run, variant) for runtime, run in runs.items()},
            losses_by_runtime={
                runtime: {
                    head.name: measure_losses(keras[head.name], run[variant].probabilities[head.name], images, head)
                    for head in info.heads
                }
                for runtime, run in runs.items()
            },
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
    for runtime, by_head in proof.losses_by_runtime.items():
        for head, losses in by_head.items():
            if losses.drop_points is not None and losses.drop_points > config.max_drop:
                failures.append(f"{proof.variant} drops {losses.drop_points:.2f} points of {head} in {runtime}")
            if not losses.agreement >= config.min_agreement:
                failures.append(f"{proof.variant} agrees on {losses.agreement:.4f} of {head} in {runtime}")
    return failures


def _summarize(path: Path) -> GraphSummary:
    graph = read_tflite(path)
    return GraphSummary(graph.multiply_adds, count_operators(graph))


def _ratio(run: Mapping[str, Probed], variant: str) -> float:
    return run[variant].latency_ms / run[REFERENCE].latency_ms
