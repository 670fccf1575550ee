"""Exact rewrites of a trained graph: BatchNorms and pixel scaling are folded into the layers next to them.

At inference, a BatchNorm is `scale * x + shift`. Three rewrites move it; none changes a float output:

* after a convolution or dense layer, scale and shift go into its weights and bias;
* after a ReLU, the size of the scale goes back through it (`s * relu(x) = relu(s * x)`) into the layer
  before, and its sign and the shift go forward into the next layer, through pooling and Flatten;
* a shift before a zero-padded convolution must not affect the padding. If the first convolution has a channel that is 0
  for every image, that channel is made constant and carries the shift; else an addition remains, after the pooling,
  where images are small. (An extra constant channel is exact too, but 33 channels cost more than 32:
  docs/quantisation.md.)
"""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from convert.graph import Array, Graph, Step, build_model, read_graph

LINEAR = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
_DROPPED = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
)
_MAX_POOLS = (keras.layers.MaxPooling2D, keras.layers.GlobalMaxPooling2D)
_PER_CHANNEL = (*_MAX_POOLS, keras.layers.AveragePooling2D, keras.layers.GlobalAveragePooling2D)
_RESHAPES = (keras.layers.Flatten, keras.layers.Reshape)
_WHITE = 255
"""The brightest pixel; the darkest is 0."""


@dataclass(frozen=True)
class FoldReport:
    """What happened to each BatchNorm."""

    folded: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class _Affine:
    """The operation `scale * x + shift`, per channel."""

    scale: Array
    shift: Array


def fold_model(model: keras.Model, batch_size: int | None = 1) -> tuple[keras.Model, FoldReport]:
    """Fold a network into as few operators as algebra allows, only for inference, in float32."""
    graph = read_graph(model)
    report = fold_graph(graph)
    return build_model(graph, batch_size), report


def fold_graph(graph: Graph) -> FoldReport:
    """Rewrite `graph` in place."""
    drop_training_layers(graph)
    folded: list[str] = []
    kept: list[str] = []
    norms = [step for step in graph.steps if isinstance(step.operation, keras.layers.BatchNormalization)]
    for norm in norms:
        name = norm.name
        done = fold_backward(graph, norm) or fold_through_relu(graph, norm)
        (folded if done else kept).append(name)
    for step in [step for step in graph.steps if isinstance(step.operation, keras.layers.Rescaling)]:
        fold_forward(graph, step)
    for norm in norms:
        carry_shift(graph, norm)
    return FoldReport(tuple(folded), tuple(kept))


def drop_training_layers(graph: Graph) -> None:
    """Replace Dropout and noise, which do nothing at inference, by identities."""
    for step in graph.steps:
        if isinstance(step.operation, _DROPPED):
            step.become_identity()


def fold_backward(graph: Graph, norm: Step) -> bool:
    """Fold a BatchNorm into the linear layer right before it; False if there is no such layer."""
    before = _only_producer(graph, norm)
    if before is None or not _is_linear(before) or not _normalises_last_axis(norm):
        return False
    affine = _read_affine(norm)
    scale_outputs(before, affine.scale)
    shift_outputs(before, affine.shift)
    norm.become_identity()
    return True


def fold_through_relu(graph: Graph, norm: Step) -> bool:
    """Fold a BatchNorm after a ReLU into the linear layers before and after; False if that is impossible."""
    before = _linear_before_relu(graph, norm)
    path, after = linear_after(graph, norm)
    if before is None or after is None or not _normalises_last_axis(norm):
        return False
    affine = _read_affine(norm)
    if not _can_move(path, after, affine):
        return False
    signs = np.where(affine.scale < 0, np.float32(-1), np.float32(1))
    scale_outputs(before, np.abs(affine.scale))
    if _pads_with_zeros(after):
        (path[-1] if path else norm).shift = affine.shift * signs
    else:
        _shift_inputs(after, repeated(affine.shift, after))
    scale_inputs(after, repeated(signs, after))
    norm.become_identity()
    return True


def carry_shift(graph: Graph, norm: Step) -> None:
    """Move the remaining shift of a folded BatchNorm into a channel that is 0 for every image, if there is one.

    That channel becomes 1 everywhere except in the zero padding of the next convolution; its weights there then add the
    shift to all outputs.
    """
    before = _linear_before_relu(graph, norm)
    path, after = linear_after(graph, norm)
    shifted = path[-1] if path else norm
    if before is None or after is None or shifted.shift is None:
        return
    silent = _silent_channels(graph, before)
    if silent.any():
        carrier = np.arange(len(silent)) == silent.argmax()
        kernel, bias = before.weights
        before.weights = [np.where(carrier, np.float32(0), kernel), np.where(carrier, np.float32(1), bias)]
        kernel = after.weights[0]
        after.weights[0] = np.where(carrier[:, np.newaxis], (shifted.shift @ kernel)[..., np.newaxis, :], kernel)
        shifted.shift = None


def fold_forward(graph: Graph, rescaling: Step) -> bool:
    """Fold a `Rescaling` without an offset into the linear layer after it; False if there is no such layer."""
    consumers = graph.consumers(rescaling)
    if len(consumers) != 1 or not isinstance(consumers[0].operation, LINEAR) or np.any(rescaling.config["offset"]):
        return False
    consumers[0].weights[0] = consumers[0].weights[0] * np.float32(rescaling.config["scale"])
    rescaling.become_identity()
    return True


def _read_affine(norm: Step) -> _Affine:
    """Express a BatchNorm's moving statistics and weights as one multiplication and one addition."""
    weights = list(norm.weights)
    gamma = weights.pop(0).astype(np.float64) if norm.config["scale"] else np.float64(1)
    beta = weights.pop(0).astype(np.float64) if norm.config["center"] else np.float64(0)
    mean, variance = (weight.astype(np.float64) for weight in weights)
    scale = gamma / np.sqrt(variance + norm.config["epsilon"])
    return _Affine(scale.astype(np.float32), (beta - mean * scale).astype(np.float32))


def _is_linear(step: Step) -> bool:
    return (
        isinstance(step.operation, LINEAR)
        and step.config["activation"] == "linear"
        and step.config.get("data_format", "channels_last") == "channels_last"
        and not step.config.get("lora_rank")
    )


def is_relu(step: Step) -> bool:
    """Whether the step is a plain ReLU."""
    if isinstance(step.operation, keras.layers.ReLU):
        plain = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}
        return all(step.config[key] == value for key, value in plain.items())
    return isinstance(step.operation, keras.layers.Activation) and step.config["activation"] == "relu"


def _normalises_last_axis(norm: Step) -> bool:
    return norm.config["axis"] in (-1, len(norm.output_shape) - 1)


def _only_producer(graph: Graph, step: Step) -> Step | None:
    """The step that makes the input of `step`, if no other step reads it; identities are skipped."""
    producer = graph.producer(step)
    if producer is None or len(graph.consumers(producer)) != 1 or graph.is_output(producer):
        return None
    return _only_producer(graph, producer) if producer.operation is None else producer


def _linear_before_relu(graph: Graph, norm: Step) -> Step | None:
    before = _only_producer(graph, norm)
    if before is not None and isinstance(before.operation, LINEAR) and before.config["activation"] == "relu":
        return before
    if before is None or not is_relu(before):
        return None
    linear = _only_producer(graph, before)
    return linear if linear is not None and _is_linear(linear) else None


def linear_after(graph: Graph, norm: Step) -> tuple[list[Step], Step | None]:
    """The layers after `norm` that treat all channels alike, and the linear layer after them, if any."""
    path: list[Step] = []
    step = norm
    while not graph.is_output(step) and len(consumers := graph.consumers(step)) == 1:
        step = consumers[0]
        if isinstance(step.operation, keras.layers.DepthwiseConv2D):
            break
        if isinstance(step.operation, keras.layers.Conv2D | keras.layers.Dense):
            return path, step if step.config.get("groups", 1) == 1 else None
        if step.operation is not None and not isinstance(step.operation, (*_PER_CHANNEL, *_RESHAPES)):
            break
        path.append(step)
    return path, None


def _silent_channels(graph: Graph, step: Step) -> NDArray[np.bool_]:
    """Which channels of a convolution with ReLU are 0 for every image; this can be known only of the first one."""
    bounded = isinstance(step.operation, keras.layers.Conv2D) and _reads_pixels(graph, step)
    if not bounded or not step.config["use_bias"]:
        return np.zeros(1, np.bool_)
    kernel, bias = step.weights
    greatest: Array = bias + _WHITE * np.maximum(kernel, 0).sum(axis=(0, 1, 2))
    return greatest <= 0


def _reads_pixels(graph: Graph, step: Step) -> bool:
    producer = graph.producer(step)
    return producer is None or (producer.operation is None and _reads_pixels(graph, producer))


def _can_move(path: list[Step], after: Step, affine: _Affine) -> bool:
    if any(isinstance(step.operation, _MAX_POOLS) for step in path) and (affine.scale < 0).any():
        return False  # max(s * x) is not s * max(x) for a negative s
    reshaped = any(isinstance(step.operation, _RESHAPES) for step in path)
    return not reshaped or isinstance(after.operation, keras.layers.Dense)


def _pads_with_zeros(step: Step) -> bool:
    return step.config.get("padding") == "same" and tuple(step.config["kernel_size"]) != (1, 1)


def repeated(values: Array, after: Step) -> Array:
    """Expand per-channel values to the inputs of `after`: a Flatten before it repeats them for each position."""
    return np.tile(values, after.weights[0].shape[-2] // len(values))


def scale_outputs(step: Step, factor: Array) -> None:
    """Scale each output of a convolution or dense layer by a factor, by changing its weights and bias."""
    kernel = step.weights[0]
    per_output = (
        factor.reshape(kernel.shape[-2:]) if isinstance(step.operation, keras.layers.DepthwiseConv2D) else factor
    )
    step.weights[0] = kernel * per_output
    if step.config["use_bias"]:
        step.weights[1] = step.weights[1] * factor


def shift_outputs(step: Step, shift: Array) -> None:
    """Shift each output of a convolution or dense layer by a constant, by changing its bias."""
    if step.config["use_bias"]:
        step.weights[1] = step.weights[1] + shift
    else:
        step.config["use_bias"] = True
        step.weights.append(shift)


def scale_inputs(step: Step, factor: Array) -> None:
    """Scale each input of a convolution or dense layer by a factor, by changing its weights."""
    step.weights[0] = step.weights[0] * factor[:, np.newaxis]


def _shift_inputs(step: Step, shift: Array) -> None:
    kernel = step.weights[0].astype(np.float64)
    spatial = tuple(range(kernel.ndim - 2))
    shift_outputs(step, (shift.astype(np.float64) @ kernel.sum(axis=spatial)).astype(np.float32))
