"""The rewrites' test networks: `python tests/convert/rewrite_cases.py` prints, as JSON, what was done to each.

It is a process of its own, because TensorFlow must not be in one with tflite-runtime.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from keras import layers

from convert.correct import correct_biases, rounding_error
from convert.equalize import equalize_graph
from convert.fold import fold_graph, fold_model
from convert.graph import build_model, read_graph
from convert.prune import prune

SHAPE = (12, 12, 3)


def relu_then_norm(x: Any, **options: Any) -> Any:
    x = layers.Conv2D(5, 3, padding="same", activation="relu")(x)
    x = layers.BatchNormalization(**options)(x)
    return layers.Conv2D(4, 3, padding="same")(x)


def relu_then_norm_into_strided(x: Any) -> Any:
    x = layers.BatchNormalization()(layers.ReLU()(layers.Conv2D(5, 3, use_bias=False)(x)))
    return layers.Conv2D(4, 3, 2, padding="same", use_bias=False)(x)


def relu_then_norm_into_valid(x: Any) -> Any:
    return layers.Conv2D(4, 3)(layers.BatchNormalization()(layers.Conv2D(5, 3, activation="relu")(x)))


def norm_before_max_pool(x: Any) -> Any:
    x = layers.BatchNormalization()(layers.Conv2D(5, 3, padding="same", activation="relu")(x))
    return layers.Conv2D(4, 3, padding="same")(layers.MaxPooling2D(2)(x))


def norm_before_flatten(x: Any) -> Any:
    x = layers.BatchNormalization()(layers.Conv2D(5, 3, activation="relu")(x))
    return layers.Dense(4)(layers.Flatten()(layers.AveragePooling2D(2)(x)))


def dense_then_norm(x: Any) -> Any:
    x = layers.Dense(9, activation="relu")(layers.GlobalAveragePooling2D()(x))
    return layers.Dense(4)(layers.Dropout(0.5)(layers.BatchNormalization()(x)))


def residual(x: Any) -> Any:
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(5, 3, padding="same", use_bias=False)(x)))
    y = layers.BatchNormalization()(layers.Conv2D(5, 3, padding="same")(x))
    return layers.ReLU()(layers.Add()([x, y]))


def depthwise(x: Any) -> Any:
    x = layers.BatchNormalization()(layers.DepthwiseConv2D(3, depth_multiplier=2)(x))
    return layers.Activation("hard_swish")(x)


def shared_layer(x: Any) -> Any:
    convolution, norm = layers.Conv2D(3, 3, padding="same"), layers.BatchNormalization()
    return norm(convolution(norm(convolution(x))))


def nested_model(x: Any) -> Any:
    inputs = keras.Input((12, 12, 3))
    inner = keras.Model(inputs, layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs)))
    return layers.ReLU()(inner(x))


def norm_read_twice(x: Any) -> Any:
    x = layers.BatchNormalization()(layers.Conv2D(5, 3, padding="same", activation="relu")(x))
    return layers.Concatenate()([layers.Conv2D(4, 3, padding="same")(x), x])


def norm_of_the_input(x: Any) -> Any:
    return layers.Conv2D(4, 3, padding="same")(layers.BatchNormalization()(x))


def norm_behind_relu6(x: Any) -> Any:
    x = layers.BatchNormalization()(layers.ReLU(6.0)(layers.Conv2D(5, 3)(x)))
    return layers.Conv2D(4, 3)(x)


def rescaled(x: Any) -> Any:
    return layers.Conv2D(4, 3, padding="same")(layers.Rescaling(1 / 255)(x))


def rescaled_with_a_silent_channel(x: Any) -> Any:
    x = layers.Conv2D(5, 3, padding="same", activation="relu")(layers.Rescaling(1 / 255)(x))
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D(2)(layers.BatchNormalization()(x))
    return layers.Conv2D(4, 3, padding="same")(x)


def rescaled_with_offset(x: Any) -> Any:
    return layers.Conv2D(4, 3, padding="same")(layers.Rescaling(1 / 127.5, -1)(x))


CASES: dict[str, Callable[[Any], Any]] = {
    "relu_then_norm": relu_then_norm,
    "relu_then_norm_without_scale": lambda x: relu_then_norm(x, scale=False),
    "relu_then_norm_without_center": lambda x: relu_then_norm(x, center=False),
    "relu_then_norm_with_negative_scales": relu_then_norm,
    "relu_then_norm_with_a_zero_scale": relu_then_norm,
    "relu_then_norm_into_strided": relu_then_norm_into_strided,
    "relu_then_norm_into_valid": relu_then_norm_into_valid,
    "norm_before_max_pool": norm_before_max_pool,
    "norm_before_max_pool_with_negative_scales": norm_before_max_pool,
    "norm_before_flatten": norm_before_flatten,
    "dense_then_norm": dense_then_norm,
    "residual": residual,
    "depthwise": depthwise,
    "shared_layer": shared_layer,
    "nested_model": nested_model,
    "norm_read_twice": norm_read_twice,
    "norm_of_the_input": norm_of_the_input,
    "norm_behind_relu6": norm_behind_relu6,
    "rescaled": rescaled,
    "rescaled_with_a_silent_channel": rescaled_with_a_silent_channel,
    "rescaled_with_offset": rescaled_with_offset,
}


def fold_case(name: str) -> dict[str, Any]:
    """The greatest change of an output by folding, and what is left of the layers."""
    keras.utils.set_random_seed(len(name))
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, CASES[name](inputs))
    settle(model, name)
    images = np.random.default_rng(0).uniform(0, 255, (4, *SHAPE)).astype(np.float32) / (1 if "rescal" in name else 255)
    folded, report = fold_model(model, batch_size=None)
    before, after = np.asarray(model(images, training=False)), np.asarray(folded(images, training=False))
    return {
        "change": float(np.abs(before - after).max()),
        "range": float(np.abs(before).max()),
        "folded": len(report.folded),
        "kept": len(report.kept),
        "layers": [layer.__class__.__name__ for layer in folded.layers],
    }


def equalize_case(dense: bool) -> dict[str, Any]:
    """What equalising does to two layers whose channels differ by a factor of a thousand."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input(SHAPE)
    x = layers.Flatten()(inputs) if dense else inputs
    x = layers.Dense(8, activation="relu")(x) if dense else layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = x if dense else layers.MaxPooling2D(2)(x)
    model = keras.Model(inputs, layers.Dense(4)(x) if dense else layers.Conv2D(4, 3, padding="same")(x))
    before, after = (layer for layer in model.layers if layer.weights)
    spread = np.geomspace(0.03, 30, 8)
    before.kernel.assign(np.abs(before.kernel) * spread)  # no channel that never fires, which would stay as it is
    after.kernel.assign(after.kernel / spread[:, np.newaxis])
    images = np.random.default_rng(0).integers(0, 255, (70, *SHAPE)).astype(np.uint8)
    graph = read_graph(model)
    changed = equalize_graph(graph, images)
    equalized = build_model(graph, None)
    outputs = [np.asarray(m(images.astype(np.float32))) for m in (model, equalized)]
    rows = [
        np.abs(layer.get_weights()[0]).reshape(-1, 8).max(0)
        for layer in (before, equalized.layers[-3 if not dense else -2])
    ]
    return {
        "changed": len(changed),
        "change": float(np.abs(outputs[0] - outputs[1]).max() / np.abs(outputs[0]).max()),
        "spread_before": float(rows[0].max() / rows[0].min()),
        "spread_after": float(rows[1].max() / rows[1].min()),
    }


def carrier_case() -> dict[str, Any]:
    """How great the channels are that equalising leaves beside the constant one, which is 1."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, rescaled_with_a_silent_channel(inputs))
    settle(model, "silent")
    images = np.random.default_rng(0).integers(0, 255, (70, *SHAPE)).astype(np.uint8)
    graph = read_graph(model)
    fold_graph(graph)
    equalize_graph(graph, images)
    equalized = build_model(graph, None)
    outputs = [np.asarray(m(images.astype(np.float32))) for m in (model, equalized)]
    first = next(layer for layer in equalized.layers if isinstance(layer, layers.Conv2D))
    return {
        "change": float(np.abs(outputs[0] - outputs[1]).max() / np.abs(outputs[0]).max()),
        "greatest": float(np.asarray(first(images.astype(np.float32))).max()),
    }


def correct_case(name: str) -> dict[str, Any]:
    """How far the mean output of a layer with rounded weights is off, without and with its corrected bias."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input(SHAPE)
    layer = (
        layers.DepthwiseConv2D(3, depth_multiplier=2) if name == "depthwise" else layers.Conv2D(6, 3, use_bias=False)
    )
    model = keras.Model(inputs, layer(inputs))
    images = np.random.default_rng(0).integers(0, 255, (70, *SHAPE)).astype(np.uint8)
    wanted = np.asarray(model(images.astype(np.float32)))
    off = []
    for correct in (False, True):
        graph = read_graph(model)
        error = rounding_error(graph.steps[0])
        if correct:
            correct_biases(graph, images)
        graph.steps[0].weights[0] = graph.steps[0].weights[0] + error
        received = np.asarray(build_model(graph, None)(images.astype(np.float32)))
        off.append(float(np.abs((received - wanted).mean((0, 1, 2))).max()))
    return {"without": off[0], "with": off[1]}


def prune_case() -> dict[str, Any]:
    """The share of zeros in a pruned convolution, and whether the greatest weights stayed."""
    kernel = np.random.default_rng(0).normal(size=(3, 3, 8, 6)).astype(np.float32)
    pruned = prune(kernel, 0.5)
    kept = pruned != 0
    return {
        "zeros": float(1 - kept.mean()),
        "kept_the_greatest": bool(np.abs(kernel[kept]).min() > np.median(np.abs(kernel)) * 0.8),
        "unchanged": bool((pruned[kept] == kernel[kept]).all()),
    }


def settle(model: Any, name: str) -> None:
    """Give the BatchNorms statistics and weights as training would, and each convolution a channel that never fires."""
    generator = np.random.default_rng(1)
    for layer in model._flatten_layers():
        if "silent" in name and isinstance(layer, layers.Conv2D):
            layer.bias.assign(np.where(np.arange(layer.filters) == 3, -100, 0.1))
        if isinstance(layer, layers.BatchNormalization):
            for variable in layer.weights:
                low, high = (-1, 1) if variable.name in ("beta", "moving_mean") else (0.3, 2)
                variable.assign(generator.uniform(low, high, variable.shape))
            if "negative" in name:
                layer.gamma.assign(layer.gamma * np.resize([1, -1], layer.gamma.shape))
            if "zero" in name:
                layer.gamma.assign(layer.gamma * np.resize([1, 0], layer.gamma.shape))


if __name__ == "__main__":
    outcomes: dict[str, Any] = {"fold": {name: fold_case(name) for name in CASES}}
    outcomes["equalize"] = {"dense": equalize_case(True), "convolution": equalize_case(False)}
    outcomes["carrier"] = carrier_case()
    outcomes["correct"] = {name: correct_case(name) for name in ("convolution", "depthwise")}
    outcomes["prune"] = prune_case()
    sys.stdout.write(json.dumps(outcomes))
