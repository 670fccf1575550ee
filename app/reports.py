"""How accurate the models are: from their own contracts, and from the figures in a file next to this one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.config import VARIANTS, EdgeConfig
from edge.model_info import PEOPLE, ModelInfo, read_model_info

FIGURES = Path(__file__).with_name("figures.json")
"""Recall, confusions and losses of one network; `python -m benchmarks.model_figures` collects them from its reports."""
MAJORITY, SPLIT = "FER+ majority", "PrivateTest"
"""Truth and split of the one figure that is shown first, in the words of the contract."""


@dataclass(frozen=True)
class Bundled:
    """A model file of the package."""

    variant: str
    info: ModelInfo
    size_bytes: int


def bundled() -> list[Bundled]:
    """The bundled model files, the smallest format first."""
    paths = {variant: EdgeConfig(model=variant).model_path for variant in VARIANTS}
    return [
        Bundled(variant, read_model_info(path), path.stat().st_size)
        for variant, path in paths.items()
        if path.is_file()
    ]


def training_scores(info: ModelInfo, path: Path = FIGURES) -> dict[str, Any]:
    """Count, recall and confusions by head, truth and split; empty if the file is about another network."""
    scores: dict[str, Any] = _figures(info, path).get("scores", {})
    return scores


def conversion_losses(info: ModelInfo, path: Path = FIGURES) -> dict[str, Any]:
    """What conversion cost against Keras, by variant and head; empty if the file is about another network."""
    losses: dict[str, Any] = _figures(info, path).get("conversion", {})
    return losses


def _figures(info: ModelInfo, path: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(path.read_text())
    return figures if figures["keras_sha256"] == info.keras_sha256 else {}


def of_a_hundred(info: ModelInfo) -> int | None:
    """For how many of a hundred test photos the answer is what most people said; None if unknown."""
    accuracy = next((head.accuracy for head in info.heads if head.name == PEOPLE), {})
    share = accuracy.get(MAJORITY, {}).get(SPLIT)
    return None if share is None else round(100 * share)
