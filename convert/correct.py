"""Corrects biases for the rounding of weights, so that int8 outputs have the right mean again.

A rounded weight is wrong by up to half a step. After a ReLU, inputs are never negative, so these errors add up to a
shift of the whole channel. Its mean on the calibration set is subtracted from the bias (Nagel et al. 2019,
arXiv:1906.04721).
"""

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from convert.fold import LINEAR, shift_outputs
from convert.graph import Array, Graph, Step, build_model
from edge.results import FaceInput

_BATCH = 64
_LEVELS = 127


def correct_biases(graph: Graph, faces: FaceInput) -> None:
    """Subtract from each bias of `graph`, in place, the mean shift that int8 weights with a scale per channel cause.

    A dense layer before the softmax keeps float weights (`convert/quantize.py`), so its bias is not changed.
    """
    linear = [step for step in graph.steps if isinstance(step.operation, LINEAR) and not _makes_logits(graph, step)]
    inputs = build_model(replace(graph, outputs=[step.arguments.args[0] for step in linear]), batch_size=None)
    shifts = [_rounding_layer(step, tensor) for step, tensor in zip(linear, inputs.outputs, strict=True)]
    means = {
        step.name: keras.ops.mean(shift, axis=tuple(range(1, len(shift.shape) - 1)))
        for step, shift in zip(linear, shifts, strict=True)
    }
    measured = keras.Model(inputs.inputs, means).predict(faces.astype(np.float32), batch_size=_BATCH, verbose=0)
    for step in linear:
        shift_outputs(step, -measured[step.name].mean(0))


def rounding_error(step: Step) -> Array:
    """The difference that rounding makes to the weights of a convolution or dense layer."""
    kernel = step.weights[0]
    outputs = 2 if isinstance(step.operation, keras.layers.DepthwiseConv2D) else 1
    peaks = np.abs(kernel).max(tuple(range(kernel.ndim - outputs)), keepdims=True)
    scales = np.where(peaks > 0, peaks, 1) / np.float32(_LEVELS)
    error: Array = np.round(kernel / scales) * scales - kernel
    return error


def _makes_logits(graph: Graph, step: Step) -> bool:
    return isinstance(step.operation, keras.layers.Dense) and any(map(_is_softmax, graph.consumers(step)))


def _is_softmax(step: Step) -> bool:
    return isinstance(step.operation, keras.layers.Softmax) or step.config.get("activation") == "softmax"


def _rounding_layer(step: Step, inputs: Any) -> Any:
    """The tensor that rounding the weights of `step` adds to its outputs."""
    config = {**step.config, "name": f"{step.name}_rounding", "use_bias": False, "activation": "linear"}
    layer = step.operation.__class__.from_config(config)
    outputs = layer(inputs)
    layer.set_weights([rounding_error(step)])
    return outputs
