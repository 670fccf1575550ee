"""The run itself: batches, optimizer, callbacks, `fit`; it can stop at any moment and go on to the same end."""

import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError, DataError
from edge.files import replacing
from edge.model_info import LABELS
from train.augment import augment, mixup
from train.callbacks import StopAtNaN, log_writers
from train.config import TrainConfig
from train.data import Dataset
from train.models import ARCHITECTURES, LOGITS, SIZE_FREE, TRANSFER
from train.predict import load_network
from train.targets import LABEL, Targets, training_targets, validation_targets
from train.torch_kernels import use_native_kernels

BEST = "best.weights.h5"
CHECKPOINT = "checkpoint"
SHARE_OF_MEMORY = 0.2
"""The averaged weights remember at most this share of the run: in a short one they would not leave the start."""


Batch = tuple[NDArray[np.float32], dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]


@dataclass(frozen=True)
class Result:
    """What a run leaves."""

    model: keras.Model
    """The best epoch's network, in float32, with a fixed input of 48x48."""
    history: list[dict[str, float]]
    """One row an epoch: losses, accuracies, learning rate, seconds, image size."""


class Batches(keras.utils.PyDataset):
    """Augmented batches without end; what batch `i` holds depends only on the seed and on `i`.

    Keras is told the steps of an epoch and is given no length: it fetches ahead, so an object that
    counted epochs by its callbacks would count wrong.
    """

    def __init__(self, dataset: Dataset, targets: Targets, config: TrainConfig, first_epoch: int = 0) -> None:
        super().__init__()
        if len(dataset) < config.batch_size:
            raise DataError(f"Expected at least one batch of {config.batch_size} images. Received: {len(dataset)}")
        self.steps = len(dataset) // config.batch_size
        self._dataset, self._targets, self._config, self._first_epoch = dataset, targets, config, first_epoch
        self._seed = config.seed + int(os.environ.get("KERAS_DISTRIBUTION_PROCESS_ID", 0))  # each machine its own

    @property
    def heads(self) -> tuple[str, ...]:
        """The names of the heads that learn."""
        return self._targets.heads

    @property
    def num_batches(self) -> None:
        """Keras' word for: without end."""

    def __getitem__(self, index: int) -> Batch:
        """Images (batch, size, size, 1), and by head targets (batch, labels) and sample weights (batch,)."""
        epoch, step = self._first_epoch + index // self.steps, index % self.steps
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._dataset))
        chosen = order[step * self._config.batch_size :][: self._config.batch_size]
        generator = np.random.default_rng([self._seed, epoch, step])
        size = self._config.size_of(epoch)
        images = augment(self._dataset.images[chosen], self._config.augmentation, generator, size)
        inputs, part = images[..., np.newaxis].astype(np.float32), self._targets.take(chosen)
        targets = dict(part.distributions)
        if self._config.mixup and step % 2:
            inputs, targets = mixup(inputs, targets, self._config.mixup, generator)
        return inputs, targets, dict(part.weights)


class Checkpoint(keras.callbacks.Callback):
    """After every epoch: the best weights so far, and all that a resumed run needs, each whole or not at all."""

    def __init__(self, config: TrainConfig, others: list[keras.callbacks.Callback], chooser: str) -> None:
        super().__init__()
        self._config, self._others, self._folder, self._chooser = config, others, Path(config.out), chooser
        self.history: list[dict[str, float]] = []
        self.best = -1.0
        self._began_s, self._epoch = 0.0, 0

    def restore(self, model: keras.Model) -> int:
        """Put a compiled model into the state after the last finished epoch; returns the next epoch's number.

        The saved model lends only its variables: Keras does not save which of them decay.
        """
        folder = find_checkpoint(self._folder)
        assert folder
        state = json.loads((folder / "state.json").read_text())
        _check_same_run(state.get("recipe", {}), self._config)
        self.history, self.best = state["history"], state["best"]
        for callback, attributes in zip(self._others, state["callbacks"], strict=True):
            vars(callback).update(attributes)
            callback.on_train_begin = lambda logs=None: None  # which would forget them
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
        """Write down and save what the epoch gave."""
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
        """With the weights that the validation accuracy was measured on."""
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
        recipe = self._config.recipe()
        state = {"history": self.history, "best": self.best, "callbacks": callbacks, "recipe": recipe}
        (aside / "state.json").write_text(json.dumps(state))
        if final.is_dir():  # else .old is the only whole one, from a run that was killed between the two renames
            shutil.rmtree(old, ignore_errors=True)
            os.replace(final, old)
        os.replace(aside, final)
        shutil.rmtree(old, ignore_errors=True)


def _check_same_run(before: dict[str, Any], config: TrainConfig) -> None:
    now = config.recipe()
    others = [f"--{name.replace('_', '-')} {now[name]} (was {was})" for name, was in before.items() if now[name] != was]
    if others:
        raise ConfigError(
            f"Expected the options with which the run began to --resume it. Received: {', '.join(others)}"
        )


def find_checkpoint(run: Path) -> Path | None:
    """The folder of the last finished epoch: `.old` if the run was killed between the two renames of a save."""
    for folder in (run / CHECKPOINT, run / (CHECKPOINT + ".old")):
        if all((folder / name).is_file() for name in ("model.keras", "state.json")):
            return folder
    return None


def fit(train: Dataset, validation: Dataset, config: TrainConfig) -> Result:
    """Train to the last epoch, or on from the last one finished, and give the best network, in float32."""
    prepare_machine(config)
    Path(config.out).mkdir(parents=True, exist_ok=True)
    targets = training_targets(train, config)
    chooser = validation_metric(targets.heads)
    others = _callbacks(config, chooser)
    checkpoint = Checkpoint(config, others, chooser)
    model = compile_model(config, targets.heads, steps=max(1, len(train) // config.batch_size))
    if config.resume:
        first = checkpoint.restore(model)
    else:
        first = 0
        _forget_earlier_run(Path(config.out))
        if config.init:
            start_from(config.init, model)
    if first < config.epochs:
        batches = Batches(train, targets, config, first)
        model.fit(
            _stream(batches),
            validation_data=_validation_data(validation),
            validation_batch_size=256,
            initial_epoch=first,
            epochs=config.epochs,
            steps_per_epoch=batches.steps,
            shuffle=False,  # they are already
            callbacks=[*others, checkpoint, *log_writers(config)],
            verbose="auto" if sys.stdout.isatty() else 2,  # a file gets a line an epoch, no bar that redraws itself
        )
    if config.data_parallel:
        keras.distribution.set_distribution(None)
    best = build(config, targets.heads, size=48, precision="float32")
    best.load_weights(Path(config.out) / BEST)
    return Result(best, checkpoint.history)


def validation_metric(heads: tuple[str, ...]) -> str:
    """What Keras calls the accuracy that picks the best epoch: the first head's."""
    return f"val_{heads[0]}_accuracy" if len(heads) > 1 else "val_accuracy"


def join_cluster() -> None:
    """Meet the other machines that Keras' variables name, before anything touches a device."""
    if "KERAS_DISTRIBUTION_JOB_ADDRESSES" in os.environ:
        keras.distribution.initialize()


def prepare_machine(config: TrainConfig) -> None:
    """Seed, arithmetic and devices, before any layer is made."""
    keras.utils.set_random_seed(config.seed)
    use_native_kernels()
    if config.data_parallel:
        keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
        if config.batch_size % _devices():
            raise ConfigError(f"Expected --batch-size divisible by {_devices()} devices. Received: {config.batch_size}")


def _devices() -> int:
    """How many devices share a batch."""
    distribution = keras.distribution.distribution()
    return int(np.prod(distribution.device_mesh.shape)) if distribution else 1


def build(config: TrainConfig, heads: tuple[str, ...], size: int | None, precision: str) -> keras.Model:
    """The untrained network; `size` None leaves the image's size open."""
    keras.config.set_dtype_policy(precision if precision == "float32" else f"mixed_{precision}")
    weights = {"weights": config.weights} if config.arch in TRANSFER else {}
    try:
        return ARCHITECTURES[config.arch]((size, size, 1), heads, **weights)
    except (ValueError, OSError, KeyError, TypeError, AttributeError) as error:
        if not weights.get("weights"):
            raise
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"Expected {TRANSFER[config.arch]} in --weights. Received: {config.weights}, {reason}"
        ) from error
    finally:
        keras.config.set_dtype_policy("float32")


def compile_model(config: TrainConfig, heads: tuple[str, ...], steps: int) -> keras.Model:
    """The network with its optimizer and losses."""
    model = build(config, heads, None if config.arch in SIZE_FREE else 48, config.precision)
    weights = {head: config.label_weight if head == LABEL and len(heads) > 1 else 1.0 for head in heads}
    model.compile(
        _optimizer(config, steps),
        loss=dict.fromkeys(heads, "categorical_crossentropy"),
        loss_weights=weights,
        weighted_metrics={head: ["accuracy"] for head in heads},
    )
    return model


def start_from(file: str, model: keras.Model) -> None:
    """Give a network the weights of a file; a head that the file lacks starts as the file's first one."""
    ours, theirs = _layers_with_weights(model), _layers_with_weights(load_network(file))
    shapes = [[[array.shape for array in layer.get_weights()] for layer in part] for part in (ours[0], theirs[0])]
    if shapes[0] != shapes[1] or not theirs[1]:
        raise ConfigError(f"Expected a network of --arch {model.name} in --init. Received: {file} with other layers")
    for layer, other in zip(ours[0], theirs[0], strict=True):
        layer.set_weights(other.get_weights())
    heads = {layer.name: layer for layer in theirs[1]}
    for layer in ours[1]:
        layer.set_weights(heads.get(layer.name, theirs[1][0]).get_weights())


def _layers_with_weights(model: keras.Model) -> tuple[list[keras.Layer], list[keras.Layer]]:
    """The trunk's layers, and the heads' dense ones; before there were two heads the one was called `logits`."""
    layers = [layer for layer in model.layers if layer.weights]
    heads = [layer for layer in layers if layer.name.endswith(LOGITS) or layer.name == LOGITS.strip("_")]
    return [layer for layer in layers if layer not in heads], heads


def _validation_data(validation: Dataset) -> Batch:
    even = len(validation) - len(validation) % _devices()  # each device takes as many
    targets = validation_targets(validation).take(np.arange(even))
    images = validation.images[:even, ..., np.newaxis].astype(np.float32)
    return images, dict(targets.distributions), dict(targets.weights)


def _stream(batches: Batches) -> Any:
    """The batches as Keras takes them; TensorFlow must be told that their images change size."""
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow

    def spec(*shape: int | None) -> Any:
        return tensorflow.TensorSpec(shape, tensorflow.float32)

    by_head = (dict.fromkeys(batches.heads, spec(None, len(LABELS))), dict.fromkeys(batches.heads, spec(None)))
    return tensorflow.data.Dataset.from_generator(
        lambda: (batches[index] for index in itertools.count()),
        output_signature=(spec(None, None, None, 1), *by_head),
    ).prefetch(2)


def _optimizer(config: TrainConfig, steps: int) -> keras.optimizers.Optimizer:
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        warmup = max(1, round(config.warmup * config.epochs * steps))
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, config.epochs * steps - warmup), warmup_target=config.learning_rate, warmup_steps=warmup
        )
    memory = 1 - 1 / max(1.0, SHARE_OF_MEMORY * config.epochs * steps)
    average = {"use_ema": True, "ema_momentum": min(config.ema, memory)} if config.ema else {}
    common = {"learning_rate": rate, "weight_decay": config.weight_decay or None, **average}
    optimizer = {
        "sgd": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True, **common),
        "adam": lambda: keras.optimizers.Adam(**common),
        "adamw": lambda: keras.optimizers.AdamW(**{**common, "weight_decay": config.weight_decay}),
    }[config.optimizer]()
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _callbacks(config: TrainConfig, chooser: str) -> list[keras.callbacks.Callback]:
    """Keras' own, in the order in which the checkpoint keeps their state."""
    callbacks: list[keras.callbacks.Callback] = [StopAtNaN(config)]
    if config.ema:
        callbacks.append(keras.callbacks.SwapEMAWeights())
    if config.schedule == "plateau":
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor=chooser,
                mode="max",
                factor=config.plateau_factor,
                patience=config.plateau_patience,
                min_lr=config.min_learning_rate,
                verbose=1,
            )
        )
    if config.patience:
        callbacks.append(keras.callbacks.EarlyStopping(monitor=chooser, mode="max", patience=config.patience))
    return callbacks


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Make an epoch's dropout depend on its number, not on what ran before: torch draws from the global generator."""
    keras.utils.set_random_seed(seed + epoch)
    for number, layer in enumerate(model.layers):
        if generator := getattr(layer, "seed_generator", None):
            generator.state.assign(np.array([seed + number, epoch], np.uint32))


def _plain_attributes(callback: keras.callbacks.Callback) -> dict[str, float]:
    return {name: float(value) for name, value in vars(callback).items() if isinstance(value, int | float | np.number)}


def _forget_earlier_run(folder: Path) -> None:
    for suffix in (".old", ""):
        shutil.rmtree(folder / (CHECKPOINT + suffix), ignore_errors=True)
    (folder / BEST).unlink(missing_ok=True)
