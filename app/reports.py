"""What is known about how right the models are: their own contracts, and the reports shipped beside the code."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.config import VARIANTS, EdgeConfig
from edge.model_info import ModelInfo, read_model_info

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
"""Reports of training (`scores`) and conversion (`variants`), as their commands wrote them."""


@dataclass(frozen=True)
class Bundled:
    """A model file of the package."""

    variant: str
    info: ModelInfo
    size_bytes: int


def bundled() -> list[Bundled]:
    """The model files that are there, best compressed first."""
    paths = {variant: EdgeConfig(model=variant).model_path for variant in VARIANTS}
    return [
        Bundled(variant, read_model_info(path), path.stat().st_size)
        for variant, path in paths.items()
        if path.is_file()
    ]


def training_scores(info: ModelInfo, folder: Path = RESULTS) -> dict[str, Any]:
    """Head to truth to split to its figures, from the report of the run that made the model; else empty."""
    return next((report["scores"] for report in _reports(folder, info) if "scores" in report), {})


def conversion_variants(info: ModelInfo, folder: Path = RESULTS) -> dict[str, Any]:
    """Variant to its proof against Keras, from the report of the conversion; else empty."""
    return next((report["variants"] for report in _reports(folder, info) if "variants" in report), {})


def _reports(folder: Path, info: ModelInfo) -> list[dict[str, Any]]:
    """The reports of the run that made the model: those that lie beside one with the hash of its Keras file."""
    for run in sorted({path.parent for path in folder.rglob("*.json")}):
        read = [json.loads(path.read_text()) for path in sorted(run.glob("*.json"))]
        reports = [report for report in read if isinstance(report, dict)]
        if any(report.get("keras_sha256") == info.keras_sha256 for report in reports):
            return reports
    return []
