"""Training: images in, a Keras file with its contract and a report out.

Usage:
    from train import TrainConfig, train

    scores = train(TrainConfig(data=("my_faces",), init="bundled", epochs=5, out="runs/mine"))
"""

from typing import Any

__all__ = ["RECIPES", "TrainConfig", "train"]


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are asked for: Keras takes seconds."""
    if name == "train":
        from train.training import train

        return train
    if name in __all__:
        from train import config

        return getattr(config, name)
    raise AttributeError(f"module 'train' has no attribute {name!r}")
