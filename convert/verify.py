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
from edge.model_info import ModelInfo
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
    runtime: str
    """The runtime of `losses`."""
    latency_ratio: Mapping[str, float]
    """Runtime to the median latency, as a ratio to float32 in the same run."""
    losses_by_runtime: Mapping[str, Mapping[str, Losses]]
    """Runtime to head to what was lost against Keras."""

    @property
    def losses(self) -> Mapping[str, Losses]:
        """Head to what was lost, in the runtime that edge takes."""
        return self.losses_by_runtime[self.runtime]


def prove(
    files: Mapping[str, Path], keras: Mapping[str, Probabilities], images: Images, info: ModelInfo, folder: Path
) -> dict[str, Proof]:
    """Run every file in every installed runtime and compare each of its heads with Keras.

    Args:
        files: variant to file, with its contract; `float32` must be among them.
        keras: head to Keras' probabilities of `images`.
        images: what is looked at.
        info: the contract of the Keras file.
        folder: scratch for the fresh processes.

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
