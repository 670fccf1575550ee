"""Training: turns images into a Keras file with its contract, and a report.

Usage:
    from train import recipe, train

    scores = train(recipe("bundled", data="my_faces", epochs=5, out="runs/mine"))
"""

from typing import Any

__all__ = ["RECIPES", "TrainConfig", "recipe", "train"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, since Keras takes seconds to load."""
    if name == "train":
        from train.training import train

        return train
    if name in __all__:
        from train import config

        return getattr(config, name)
    raise AttributeError(f"module 'train' has no attribute {name!r}")
