"""Gives all channels of a layer a similar range, since an int8 activation has one scale for all of them.

Between a ReLU layer and the next layer, each channel may be multiplied by any positive number if the
next layer's weights are divided by it (Nagel et al. 2019, arXiv:1906.04721). Without this, a channel that is
rarely active but then strong (BatchNorms make such channels large) would set the scale of all. The
factors are those of SmoothQuant (Xiao et al. 2022, arXiv:2211.10438); its migration strength is chosen
for each pair of layers, to leave the least rounding error. No float output changes.
"""

from dataclasses import dataclass, replace

import numpy as np

from convert.fold import LINEAR, is_relu, linear_after, repeated, scale_inputs, scale_outputs
from convert.graph import Array, Graph, Step, build_model
from edge.results import FaceInput

_BATCH = 64
_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_ACTIVATION_LEVELS = 255
_WEIGHT_LEVELS = 127


@dataclass(frozen=True)
class Activations:
    """Statistics of a layer's channels on the calibration set."""

    maximum: Array
    mean_square: Array
    input_power: float
    """For the layer before: the mean over images of the sum of squares of the inputs of one output."""


@dataclass(frozen=True)
class _Pair:
    """Two linear layers with a ReLU between them, and the layers after it that treat all channels alike."""

    before: Step
    relu: Step
    path: list[Step]
    after: Step


def equalize_graph(graph: Graph, faces: FaceInput) -> tuple[str, ...]:
    """Rewrite `graph` in place by its activations on `faces`; return the names of the changed layers."""
    pairs = [pair for before, relu in _relus(graph) if (pair := _pair(graph, before, relu))]
    if not pairs:
        return ()
    measured = _measure(graph, pairs, faces)
    changed = []
    for pair, seen in zip(pairs, measured, strict=True):
        factor = choose_factor(seen, pair.before.weights[0], pair.after.weights[0])
        if not np.all(factor == 1):
            _apply(pair, factor)
            changed.append(pair.before.name)
    return tuple(changed)


def choose_factor(seen: Activations, before: Array, after: Array) -> Array:
    """Choose a positive factor per channel that leaves the least rounding error after the next layer.

    Args:
        seen: the activations between the two layers.
        before: the weights (..., inputs, channels) of the layer before.
        after: the next layer's weights (..., inputs, outputs); its inputs repeat the channels.
    """
    channels = len(seen.maximum)
    rows = np.abs(before).reshape(-1, channels).max(0)
    weights = _by_channel(after, channels)
    strongest = np.abs(weights).max((1, 2))
    alive = (seen.maximum > 0) & (strongest > 0) & (rows > 0)
    if not alive.any():
        return np.ones_like(seen.maximum)
    maximum, rows_, strongest = (np.where(alive, values, 1) for values in (seen.maximum, rows, strongest))
    wanted = [strongest ** (1 - s) / maximum**s for s in _STRENGTHS]
    wanted += [1 / rows_, (rows_ * maximum) ** -0.5, (strongest / rows_) ** 0.5, np.ones_like(rows)]
    constant = (seen.maximum > 0) & (rows == 0)

    def size(factor: Array) -> float:
        if constant.any():  # a channel that carries a shift (convert/fold.py): at the maximum it is rounded exactly
            return float((factor * maximum)[alive].max() / seen.maximum[constant].max())
        return float(np.exp(np.log(factor[alive]).mean()))

    candidates = [np.where(alive, factor / size(factor), 1) for factor in wanted]
    return min(candidates, key=lambda factor: _rounding_error(factor, seen, before, after)).astype(np.float32)


def _rounding_error(factor: Array, seen: Activations, before: Array, after: Array) -> float:
    """The squared error of the next layer's outputs that all rounding before it causes.

    A convolution's weights have a scale for each output. A dense layer's are assumed to have one scale for all, as in
    int16x8, so that no row of them becomes much larger than the others.
    """
    rows = factor * np.abs(before).reshape(-1, len(factor)).max(0)
    scaled = _by_channel(after, len(factor)) / factor[:, np.newaxis, np.newaxis]
    gain = float((scaled**2).sum())
    error = (float((factor * seen.maximum).max()) / _ACTIVATION_LEVELS) ** 2 * gain
    peaks = np.abs(scaled).max((0, 1) if after.ndim > 2 else None, keepdims=True)
    steps = np.broadcast_to(peaks / _WEIGHT_LEVELS, (1, 1, scaled.shape[-1]))
    error += float((steps**2).sum()) * float((seen.mean_square * factor**2).sum()) * scaled.shape[1]
    if before.ndim == 2:
        error += (float(rows.max()) / _WEIGHT_LEVELS) ** 2 * seen.input_power * gain
    return error


def _by_channel(kernel: Array, channels: int) -> Array:
    """Reshape weights (..., inputs, outputs) to (channels, taps, outputs); after a Flatten, positions are taps."""
    inputs_first = np.moveaxis(kernel, -2, 0)
    taps = inputs_first.reshape(-1, channels, *inputs_first.shape[1:])
    return np.moveaxis(taps, 1, 0).reshape(channels, -1, kernel.shape[-1])


def _pair(graph: Graph, before: Step, relu: Step) -> _Pair | None:
    path, after = linear_after(graph, relu)
    return _Pair(before, relu, path, after) if after is not None else None


def _apply(pair: _Pair, factor: Array) -> None:
    scale_outputs(pair.before, factor)
    scale_inputs(pair.after, 1 / repeated(factor, pair.after))
    for step in (pair.relu, *pair.path):
        if step.shift is not None:
            step.shift = step.shift * np.resize(factor, step.shift.shape)


def _relus(graph: Graph) -> list[tuple[Step, Step]]:
    """Linear layers with the step that applies their ReLU: the layer itself, or the one right after it."""
    found = []
    for step in graph.steps:
        if not isinstance(step.operation, LINEAR):
            continue
        consumers = graph.consumers(step)
        if step.config["activation"] == "relu":
            found.append((step, step))
        elif step.config["activation"] == "linear" and len(consumers) == 1 and is_relu(consumers[0]):
            found.append((step, consumers[0]))
    return found


def _measure(graph: Graph, pairs: list[_Pair], faces: FaceInput) -> list[Activations]:
    """Measure the activations after each pair's ReLU, batch by batch."""
    watched = [tensor for pair in pairs for tensor in (pair.relu.output, pair.before.arguments.args[0])]
    model = build_model(replace(graph, outputs=watched), batch_size=None)
    parts: list[list[tuple[Array, Array]]] = []
    for start in range(0, len(faces), _BATCH):
        outputs = [np.asarray(output) for output in model(faces[start : start + _BATCH].astype(np.float32))]
        parts.append([_summarize(output) for output in outputs])
    maxima = [np.max([maximum for maximum, _ in part], 0) for part in zip(*parts, strict=True)]
    squares = [np.mean([square for _, square in part], 0) for part in zip(*parts, strict=True)]
    return [Activations(maxima[i], squares[i], float(squares[i + 1].sum())) for i in range(0, 2 * len(pairs), 2)]


def _summarize(values: Array) -> tuple[Array, Array]:
    """The maximum and the mean square of each channel."""
    others = tuple(range(values.ndim - 1))
    return values.max(others), (values**2).mean(others)
