"""`python -m convert.inspect FILE`: show the contract, operators and quantization of a `.tflite` file, and check it."""

if __name__ == "__main__":  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.interrupts import end_quietly

    end_quietly()

import argparse
import hashlib
import json
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from convert.tflite_file import Tensor, TfliteFile, count_operators, find_not_finite, read_tflite
from edge.command_line import EXIT_FAILED, CommandParser, run_command
from edge.errors import EmotionError
from edge.interpreter import EmotionClassifier
from edge.model_info import Head, ModelInfo, read_model_info
from edge.runtimes import installed_runtimes


@dataclass(frozen=True)
class Check:
    """The result of one check of the file."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Inspection:
    """The contract, the graph and the checks of a file."""

    path: Path
    size_bytes: int
    info: ModelInfo
    graph: TfliteFile
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


def main(argv: Sequence[str] | None = None) -> int:
    """Print an inspection; return 1 if a check fails."""
    arguments = build_parser().parse_args(argv)
    return run_command(lambda: _inspect(arguments))


def build_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = CommandParser("python -m convert.inspect", description=__doc__)
    parser.add_argument("file", type=Path, help="a .tflite file with a contract")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


def inspect_file(path: Path) -> Inspection:
    """Read a file, and check it in every installed runtime.

    Raises:
        ModelError: it is not a TFLite file, or it has no contract.
    """
    info = read_model_info(path)
    content = path.read_bytes()
    graph = read_tflite(path)
    checks = [_check_hash(content, info, path), _check_input(graph), _check_static(graph), _check_weights(path)]
    checks += [_check_runtime(path, runtime) for runtime in installed_runtimes()]
    return Inspection(path, len(content), info, graph, tuple(checks))


def split_contract(path: Path) -> bytes:
    """The model's bytes, without the contract at the end."""
    with zipfile.ZipFile(path) as members:
        start = min(member.header_offset for member in members.infolist())
    return path.read_bytes()[:start]


def format_text(inspection: Inspection) -> str:
    """The inspection as text for people."""
    graph = inspection.graph
    blocks = [
        [f"{inspection.path}: {inspection.size_bytes:,} bytes, {graph.multiply_adds:,} multiply-adds"],
        ["Contract", *_contract_lines(inspection.info)],
        [
            "Tensors",
            *(f"  input   {_describe(t)}" for t in graph.inputs),
            *(f"  output  {_describe(t)}" for t in graph.outputs),
        ],
        ["Operators", *_operator_lines(graph)],
        ["Checks", *(f"  {'ok  ' if c.passed else 'FAIL'} {c.name}: {c.detail}" for c in inspection.checks)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def as_json(inspection: Inspection) -> str:
    """The inspection as JSON for programs."""
    graph = inspection.graph
    content: dict[str, Any] = {
        "path": str(inspection.path),
        "size_bytes": inspection.size_bytes,
        "multiply_adds": graph.multiply_adds,
        "contract": asdict(inspection.info),
        "inputs": [asdict(tensor) for tensor in graph.inputs],
        "outputs": [asdict(tensor) for tensor in graph.outputs],
        "operators": count_operators(graph),
        "checks": [asdict(check) for check in inspection.checks],
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _inspect(arguments: argparse.Namespace) -> int:
    inspection = inspect_file(arguments.file)
    sys.stdout.write(as_json(inspection) if arguments.json else format_text(inspection))
    return 0 if inspection.passed else EXIT_FAILED


def _contract_lines(info: ModelInfo) -> list[str]:
    lines = []
    for key, value in asdict(info).items():
        if key != "heads":
            lines.append(f"  {key:16} {_plain(value)}")
    return lines + [line for head in info.heads for line in _head_lines(head)]


def _head_lines(head: Head) -> list[str]:
    lines = [f"  head {head.name}: {head.meaning}", f"    {'labels':14} {_plain(head.labels)}"]
    lines += [f"    {'trained on':14} {head.trained_on or '-'}"]
    return lines + [f"    {truth:14} {_plain(by_split)}" for truth, by_split in head.accuracy.items()]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items()) or "-"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _operator_lines(graph: TfliteFile) -> list[str]:
    lines = []
    for operator in graph.operators:
        weights = _describe(operator.inputs[1]) if operator.multiply_adds else ""
        output = operator.outputs[0]
        shape = "x".join(str(side) for side in output.shape)
        lines.append(f"  {operator.name:18} v{operator.version}  -> {shape:12} {output.type:8} {weights}".rstrip())
    return lines


def _describe(tensor: Tensor) -> str:
    shape = "x".join(str(side) for side in tensor.shape)
    if not tensor.scales:
        return f"{shape} {tensor.type}"
    if len(tensor.scales) == 1:
        return f"{shape} {tensor.type}, scale {tensor.scales[0]:.6g}, zero point {tensor.zero_points[0]}"
    return f"{shape} {tensor.type}, {len(tensor.scales)} scales {min(tensor.scales):.3g} to {max(tensor.scales):.3g}"


def _check_hash(content: bytes, info: ModelInfo, path: Path) -> Check:
    expected = str(info.conversion.get("graph_sha256", "none"))
    received = hashlib.sha256(split_contract(path)).hexdigest()
    return Check(
        "graph is the one that was proved",
        expected == received,
        f"sha256 {received[:12]}, contract says {expected[:12]}",
    )


def _check_input(graph: TfliteFile) -> Check:
    tensor = graph.inputs[0]
    takes_bytes = tensor.type == "float32" or (tensor.scales, tensor.zero_points) == ((1.0,), (0,))
    return Check("input takes camera bytes", takes_bytes, _describe(tensor))


def _check_static(graph: TfliteFile) -> Check:
    dynamic = [operator.name for operator in graph.operators if operator.name == "SHAPE"]
    fixed = not dynamic and all(tensor.shape[0] == 1 for tensor in graph.inputs)
    return Check("shapes are fixed, batch 1", fixed, f"{len(graph.operators)} operators")


def _check_weights(path: Path) -> Check:
    wrong = find_not_finite(path)
    detail = f"NaN or infinity in {len(wrong)}: {', '.join(wrong[:3])}" if wrong else "no NaN, no infinity"
    return Check("weights are finite", not wrong, detail)


def _check_runtime(path: Path, runtime: str) -> Check:
    try:
        classifier = EmotionClassifier(path, runtime)
        classifier.warm_up()
    except EmotionError as error:
        return Check(f"runs in {runtime}", False, " ".join(str(error).split()))
    scores = ", ".join(f"{len(head.labels)} scores of {head.name}" for head in classifier.info.heads)
    return Check(f"runs in {runtime}", True, scores)


if __name__ == "__main__":
    sys.exit(main())
