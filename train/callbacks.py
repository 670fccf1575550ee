"""Callbacks of `fit`: end a run that diverges, and write its figures for other tools."""

import math
from pathlib import Path
from typing import Any

import keras

from edge.errors import TrainingError
from train.config import TrainConfig

LOG_CSV, TENSORBOARD = "log.csv", "tensorboard"


class StopAtNaN(keras.callbacks.Callback):
    """Ends a run at the first loss that is not finite, since all that follows would be NaN too."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self._config, self._epoch = config, 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the epoch for the error message."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the loss."""
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            self._end(f"{loss} at step {batch + 1} of epoch {self._epoch}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Check all measured figures."""
        wrong = [f"{name} {value}" for name, value in (logs or {}).items() if not math.isfinite(value)]
        if wrong:
            self._end(f"{', '.join(wrong)} at the end of epoch {self._epoch}")

    def _end(self, what: str) -> None:
        rate = self._config.learning_rate
        raise TrainingError(f"Expected a finite loss: try a lower --learning-rate than {rate:g}. Received: {what}")


def log_writers(config: TrainConfig) -> list[keras.callbacks.Callback]:
    """The callbacks that `--log` asks for; a resumed run appends to the earlier lines."""
    if config.log == "csv":
        return [keras.callbacks.CSVLogger(Path(config.out) / LOG_CSV, append=config.resume)]
    if config.log == "tensorboard":
        return [keras.callbacks.TensorBoard(Path(config.out) / TENSORBOARD, write_graph=False)]
    return []
