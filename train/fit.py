"""Runs the training: batches, optimizer, callbacks, `fit`. A run that was stopped at any moment resumes exactly."""

import itertools
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError, DataError
from edge.model_info import LABELS
from train.architectures import SIZE_FREE, TRANSFER
from train.augment import augment, mixup
from train.callbacks import StopAtNaN, log_writers
from train.checkpoint import BEST, Checkpoint, forget_earlier_run, terms
from train.config import TrainConfig
from train.data import Dataset
from train.distill import learn_from
from train.models import ARCHITECTURES, LOGITS
from train.predict import load_network
from train.targets import LABEL, Targets, training_targets, validation_targets
from train.torch_kernels import use_native_kernels

SHARE_OF_MEMORY = 0.2
"""Moving averages (of the weights, and in BatchNorms) remember at most this share of a run; else in a short run they
would stay near the start."""


Batch = tuple[NDArray[np.float32], dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]


@dataclass(frozen=True)
class Result:
    """The result of a run."""

    model: keras.Model
    """The best epoch's network, in float32, with a fixed input of 48x48."""
    history: list[dict[str, float]]
    """One row per epoch: losses, accuracies, learning rate, seconds, image size."""


class Batches(keras.utils.PyDataset):
    """An endless series of augmented batches; what batch `i` holds depends only on the seed and on `i`.

    Keras is told the steps per epoch, but no length: it fetches batches ahead, so an object that
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
        """None: Keras' value for an endless series."""

    def __getitem__(self, index: int) -> Batch:
        """Images (batch, size, size, 1), and for each head targets (batch, labels) and sample weights (batch,)."""
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


def fit(train: Dataset, validation: Dataset, config: TrainConfig) -> Result:
    """Train up to the last epoch, after a resume from the last finished one; return the best network in float32."""
    targets = training_targets(train, config)  # before the devices are joined: each machine computes its own
    prepare_machine(config)
    Path(config.out).mkdir(parents=True, exist_ok=True)
    chooser = validation_metric(targets.heads)
    others = _callbacks(config, chooser)
    checkpoint = Checkpoint(config, others, chooser, terms(config, (train, validation)))
    model = compile_model(config, targets.heads, steps=max(1, len(train) // config.batch_size))
    if config.teachers:
        learn_from(model, config.teachers, config.distill_share)
    if config.resume:
        first = checkpoint.restore(model)
    else:
        first = 0
        forget_earlier_run(Path(config.out))
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
            verbose="auto" if sys.stdout.isatty() else 2,  # a file gets a line per epoch, not a progress bar
        )
    if config.data_parallel:
        keras.distribution.set_distribution(None)
    best = build(config, targets.heads, size=48, precision="float32")
    best.load_weights(Path(config.out) / BEST)
    return Result(best, checkpoint.history)


def validation_metric(heads: tuple[str, ...]) -> str:
    """Keras' name for the accuracy that chooses the best epoch: that of the first head."""
    return f"val_{heads[0]}_accuracy" if len(heads) > 1 else "val_accuracy"


def join_cluster() -> None:
    """Join the other machines named by Keras' environment variables, before anything uses a device."""
    if "KERAS_DISTRIBUTION_JOB_ADDRESSES" in os.environ:
        keras.distribution.initialize()


def prepare_machine(config: TrainConfig) -> None:
    """Set the seed, the arithmetic and the devices, before any layer is made."""
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
    """Build the untrained network; with `size` None it takes images of any size."""
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
    """Build the network, and compile it with its optimizer and losses."""
    model = build(config, heads, None if config.arch in SIZE_FREE else 48, config.precision)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, _most_momentum(config, steps))
    weights = {head: config.label_weight if head == LABEL and len(heads) > 1 else 1.0 for head in heads}
    model.compile(
        _optimizer(config, steps),
        loss=dict.fromkeys(heads, "categorical_crossentropy"),
        loss_weights=weights,
        weighted_metrics={head: ["accuracy"] for head in heads},
    )
    return model


def start_from(file: str, model: keras.Model) -> None:
    """Load a file's weights into a network; a head that the file lacks starts as a copy of the file's first."""
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
    """The layers of the trunk, and the dense layers of the heads (older files have one head, named `logits`)."""
    layers = [layer for layer in model.layers if layer.weights]
    heads = [layer for layer in layers if layer.name.endswith(LOGITS) or layer.name == LOGITS.strip("_")]
    return [layer for layer in layers if layer not in heads], heads


def _validation_data(validation: Dataset) -> Batch:
    even = len(validation) - len(validation) % _devices()  # each device takes the same number
    targets = validation_targets(validation).take(np.arange(even))
    images = validation.images[:even, ..., np.newaxis].astype(np.float32)
    return images, dict(targets.distributions), dict(targets.weights)


def _stream(batches: Batches) -> Any:
    """The batches in a form that Keras takes; TensorFlow must be told that the image size changes."""
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
    momentum = min(config.ema, _most_momentum(config, steps))
    average = {"use_ema": True, "ema_momentum": momentum} if config.ema else {}
    common = {"learning_rate": rate, "weight_decay": config.weight_decay or None, **average}
    optimizer = {
        "sgd": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True, **common),
        "adam": lambda: keras.optimizers.Adam(**common),
        "adamw": lambda: keras.optimizers.AdamW(**{**common, "weight_decay": config.weight_decay}),
    }[config.optimizer]()
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _most_momentum(config: TrainConfig, steps: int) -> float:
    """The largest momentum of a moving average that forgets its start within the run."""
    return 1 - 1 / max(1.0, SHARE_OF_MEMORY * config.epochs * steps)


def _callbacks(config: TrainConfig, chooser: str) -> list[keras.callbacks.Callback]:
    """Keras' own callbacks, in the order in which the checkpoint saves their state."""
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
