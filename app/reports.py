"""What is known about how right the models are: their own contracts, and the figures that lie beside this file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.config import VARIANTS, EdgeConfig
from edge.model_info import PEOPLE, ModelInfo, read_model_info

FIGURES = Path(__file__).with_name("figures.json")
"""Recall, confusions and losses of one network, which `python -m benchmarks.model_figures` takes from its reports."""
MAJORITY, SPLIT = "FER+ majority", "PrivateTest"
"""What counts as right where one figure is told, and of which test images: the words of the contract."""


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


def training_scores(info: ModelInfo, path: Path = FIGURES) -> dict[str, Any]:
    """Head to truth to split to its count, recall and confusions; empty if the file is about another network."""
    scores: dict[str, Any] = _figures(info, path).get("scores", {})
    return scores


def conversion_losses(info: ModelInfo, path: Path = FIGURES) -> dict[str, Any]:
    """Variant to head to what it lost against Keras; empty if the file is about another network."""
    losses: dict[str, Any] = _figures(info, path).get("conversion", {})
    return losses


def _figures(info: ModelInfo, path: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(path.read_text())
    return figures if figures["keras_sha256"] == info.keras_sha256 else {}


def of_a_hundred(info: ModelInfo) -> int | None:
    """Of a hundred test photos: how often the answer was what most people said; None if the file does not say."""
    accuracy = next((head.accuracy for head in info.heads if head.name == PEOPLE), {})
    share = accuracy.get(MAJORITY, {}).get(SPLIT)
    return None if share is None else round(100 * share)
