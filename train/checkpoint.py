"""What a run saves after every epoch: the best weights, and all that a resumed run needs, each whole or not at all."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edge.errors import ConfigError
from edge.files import replacing
from train.config import TrainConfig
from train.data import Dataset

BEST = "best.weights.h5"
CHECKPOINT = "checkpoint"


class Checkpoint(keras.callbacks.Callback):
    """Saves the best weights and the state for a resumed run after every epoch, each whole or not at all.

    Args:
        config: the options of the run.
        others: Keras' callbacks, whose state is saved too.
        chooser: Keras' name for the accuracy that chooses the best epoch.
        same: what must be the same when the run is resumed, by the names of options.
    """

    def __init__(
        self, config: TrainConfig, others: list[keras.callbacks.Callback], chooser: str, same: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self._config, self._others, self._folder, self._chooser = config, others, Path(config.out), chooser
        self._same = same
        self.history: list[dict[str, float]] = []
        self.best = -1.0
        self._began_s, self._epoch = 0.0, 0

    def restore(self, model: keras.Model) -> int:
        """Restore a compiled model to the state after the last finished epoch; return the next epoch's number.

        Only the variables are taken from the saved model: Keras does not save which of them have weight decay.
        """
        folder = find_checkpoint(self._folder)
        assert folder
        state = json.loads((folder / "state.json").read_text())
        _check_same_run(state.get("recipe", {}), self._same)
        self.history, self.best = state["history"], state["best"]
        for callback, attributes in zip(self._others, state["callbacks"], strict=True):
            vars(callback).update(attributes)
            callback.on_train_begin = lambda logs=None: None  # else it would reset these attributes
        saved = keras.saving.load_model(folder / "model.keras")
        model.set_weights(saved.get_weights())
        model.optimizer.build(model.trainable_variables)
        for ours, theirs in zip(model.optimizer.variables, saved.optimizer.variables, strict=True):
            ours.assign(theirs)
        return len(self.history)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._began_s, self._epoch = time.monotonic(), epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Seed dropout once per epoch, so that a resumed run drops the same."""
        if batch == 0:  # not at the epoch's begin: fetching the first batch draws from torch's generator too
            _seed_dropout(self.model, self._config.seed, self._epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Record the epoch's figures, and save weights and state."""
        seconds = time.monotonic() - self._began_s
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        measured = {name: float(value) for name, value in (logs or {}).items()}
        self.history.append(
            {**measured, "learning_rate": rate, "seconds": seconds, "size": self._config.size_of(epoch)}
        )
        if measured[self._chooser] > self.best:
            self.best = measured[self._chooser]
            self._save_best()
        self._save_state()

    def _save_best(self) -> None:
        with replacing(self._folder / BEST) as part, self._averaged():
            self.model.save_weights(part)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Within this context, the model has the weights that the validation accuracy was measured with."""
        swaps = [callback for callback in self._others if isinstance(callback, keras.callbacks.SwapEMAWeights)]
        for swap in swaps:
            swap.on_test_begin()
        yield
        for swap in swaps:
            swap.on_test_end()

    def _save_state(self) -> None:
        aside, old, final = (self._folder / (CHECKPOINT + suffix) for suffix in (".part", ".old", ""))
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        self.model.save(aside / "model.keras")
        callbacks = [_plain_attributes(callback) for callback in self._others]
        state = {"history": self.history, "best": self.best, "callbacks": callbacks, "recipe": dict(self._same)}
        (aside / "state.json").write_text(json.dumps(state))
        if final.is_dir():  # else .old is the only whole one, from a run that was killed between the two renames
            shutil.rmtree(old, ignore_errors=True)
            os.replace(final, old)
        os.replace(aside, final)
        shutil.rmtree(old, ignore_errors=True)


def terms(config: TrainConfig, images: Sequence[Dataset]) -> dict[str, Any]:
    """What must be the same when a run is resumed: its recipe, and what its paths lead to, wherever that is now.

    Images are compared by their order, file names and classes, since pixels may be decoded differently elsewhere.
    """
    names = [name.rpartition("/")[2] for part in images for name in part.names.tolist()]
    order = ["/".join(names).encode(errors="backslashreplace"), *(part.labels.tobytes() for part in images)]
    votes = [part.votes.tobytes() for part in images if part.votes is not None]
    return {
        **config.recipe(),
        "data": f"{len(names)} images, {_checksum(*order)}",
        "ferplus": _checksum(*votes) if votes else "none",
        "init": _contents(config.init),
        "weights": _contents(config.weights),
        "distill": _contents(*config.teachers),
    }


def _contents(*files: str | None) -> str:
    """What is in the files, in any order."""
    return " ".join(sorted(_checksum(Path(file).read_bytes()) for file in files if file)) or "none"


def _checksum(*contents: bytes) -> str:
    return "sha256:" + hashlib.sha256(b"".join(contents)).hexdigest()[:8]


def _check_same_run(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    others = [f"--{name.replace('_', '-')} {now[name]} (was {was})" for name, was in before.items() if now[name] != was]
    if others:
        raise ConfigError(
            f"Expected the options with which the run began to --resume it. Received: {', '.join(others)}"
        )


def find_checkpoint(run: Path) -> Path | None:
    """The folder of the last finished epoch; `.old` if the run was killed between the two renames of a save."""
    for folder in (run / CHECKPOINT, run / (CHECKPOINT + ".old")):
        if all((folder / name).is_file() for name in ("model.keras", "state.json")):
            return folder
    return None


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Make an epoch's dropout depend only on its number; else it would depend on all that ran before in torch."""
    keras.utils.set_random_seed(seed + epoch)
    for number, layer in enumerate(model.layers):
        if generator := getattr(layer, "seed_generator", None):
            generator.state.assign(np.array([seed + number, epoch], np.uint32))


def _plain_attributes(callback: keras.callbacks.Callback) -> dict[str, float]:
    return {name: float(value) for name, value in vars(callback).items() if isinstance(value, int | float | np.number)}


def forget_earlier_run(folder: Path) -> None:
    """Delete the resume state that an earlier run left."""
    for suffix in (".old", ""):
        shutil.rmtree(folder / (CHECKPOINT + suffix), ignore_errors=True)
    (folder / BEST).unlink(missing_ok=True)
