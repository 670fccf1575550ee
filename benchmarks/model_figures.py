"""Collect the figures of the bundled network from its reports, for the app.

python -m benchmarks.model_figures --out app/figures.json

docs/results/*/report.json (python -m train): recall and confusions
docs/results/*/*_conversion.json (python -m convert): what each file lost against the Keras file
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.command_line import CommandParser, run_command
from edge.config import EdgeConfig
from edge.errors import ConfigError
from edge.files import replacing
from edge.model_info import read_model_info

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
SHOWN = ("count", "recall", "confusion")


def figures_of(keras_sha256: str, folder: Path = RESULTS) -> str:
    """The figures of the network with this Keras file, as JSON.

    Raises:
        ConfigError: there is no report about this network.
    """
    reports = _reports(keras_sha256, folder)
    if not reports:
        raise ConfigError(f"Expected a report of the Keras file {keras_sha256[:12]}. Received: none in {folder}")
    scores: dict[str, Any] = next((report["scores"] for report in reports if "scores" in report), {})
    variants: dict[str, Any] = next((report["variants"] for report in reports if "variants" in report), {})
    figures = {
        "keras_sha256": keras_sha256,
        "scores": {
            head: {truth: {split: _shown(score) for split, score in splits.items()} for truth, splits in truths.items()}
            for head, truths in scores.items()
        },
        "conversion": {variant: _losses(proof) for variant, proof in variants.items()},
    }  # fmt: skip
    return json.dumps(figures, sort_keys=True) + "\n"


def _shown(score: dict[str, Any]) -> dict[str, Any]:
    return {name: score[name] for name in SHOWN if name in score}


def _losses(proof: dict[str, Any]) -> dict[str, Any]:
    """What each head lost, in the runtime that edge chooses by default."""
    losses = proof["losses_by_runtime"][proof["runtime"]]
    return {
        head: {name: loss[name] for name in ("agreement", "drop_points") if name in loss}
        for head, loss in losses.items()
    }


def _reports(keras_sha256: str, folder: Path) -> list[dict[str, Any]]:
    """The reports of the run that made the network: those in the folder of the one with its Keras file's hash."""
    for run in sorted({path.parent for path in folder.rglob("*.json")}):
        read = [json.loads(path.read_text()) for path in sorted(run.glob("*.json"))]
        reports = [report for report in read if isinstance(report, dict)]
        if any(report.get("keras_sha256") == keras_sha256 for report in reports):
            return reports
    return []


def main(argv: Sequence[str] | None = None) -> int:
    """Write the file."""
    parser = CommandParser("python -m benchmarks.model_figures", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    arguments = parser.parse_args(argv)
    return run_command(lambda: _write(arguments))


def _write(arguments: argparse.Namespace) -> int:
    text = figures_of(read_model_info(EdgeConfig().model_path).keras_sha256)
    with replacing(arguments.out) as part:
        part.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
