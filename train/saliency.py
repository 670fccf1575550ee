"""Shows where a network looks: Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391) on its last feature map."""

from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.model_info import LABEL
from train.models import LOGITS

Saliency = NDArray[np.float32]


def grad_cam(model: keras.Model, images: NDArray[np.uint8], classes: NDArray[np.int64], head: str = LABEL) -> Saliency:
    """Compute how much each pixel speaks for a class: (n, height, width) in [0, 1].

    Args:
        images: images (n, height, width).
        classes: for each image, the index of the class to explain.
        head: the head with the scores to explain.
    """
    features, logits = _split(model, head)
    inputs = images[..., np.newaxis].astype(np.float32)
    values = np.asarray(features.predict(inputs, verbose=0))
    gradients = _gradients(logits, values, np.eye(logits.output_shape[-1], dtype=np.float32)[classes])
    weights = gradients.mean((1, 2), keepdims=True)
    maps = np.maximum((values * weights).sum(-1), 0)
    maps /= np.maximum(maps.max((1, 2), keepdims=True), 1e-8)
    size = images.shape[2], images.shape[1]
    return np.clip([cv2.resize(m, size, interpolation=cv2.INTER_CUBIC) for m in maps], 0, 1).astype(np.float32)


def overlay(image: NDArray[np.uint8], saliency: Saliency) -> NDArray[np.uint8]:
    """The image in gray with the saliency over it, (height, width, 3) RGB."""
    heat = cv2.applyColorMap((saliency * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[..., ::-1]
    return (0.6 * image[..., np.newaxis] + 0.4 * heat).astype(np.uint8)


def _split(model: keras.Model, head: str) -> tuple[keras.Model, keras.Model]:
    """Split the network at its last feature map of more than 1x1: the part before, and the part up to the logits."""
    maps = [layer for layer in model.layers if len(layer.output.shape) == 4 and layer.output.shape[1] > 1]
    wanted = {head + LOGITS, LOGITS.strip("_")}  # the second is the name in older files with one head
    logits = [layer for layer in model.layers if layer.name in wanted]
    if not maps or not logits:
        raise ModelError(f"Expected feature maps and a layer '{head + LOGITS}'. Received: network {model.name}")
    feature_map = maps[-1].output
    return keras.Model(model.inputs, feature_map), keras.Model(feature_map, logits[0].output)


def _gradients(head: keras.Model, values: NDArray[np.float32], one_hot: NDArray[np.float32]) -> NDArray[np.float32]:
    """The gradients of the chosen logits with respect to the feature map."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _tensorflow_gradients(head, values, one_hot)
    if backend == "torch":
        return _torch_gradients(head, values, one_hot)
    raise ModelError(f"Expected KERAS_BACKEND tensorflow or torch for Grad-CAM. Received: {backend}")


def _tensorflow_gradients(head: Any, values: NDArray[np.float32], one_hot: NDArray[np.float32]) -> NDArray[np.float32]:
    import tensorflow

    features = tensorflow.constant(values)
    with tensorflow.GradientTape() as tape:
        tape.watch(features)
        chosen = tensorflow.reduce_sum(head(features) * one_hot)
    return np.asarray(tape.gradient(chosen, features))


def _torch_gradients(head: Any, values: NDArray[np.float32], one_hot: NDArray[np.float32]) -> NDArray[np.float32]:
    import torch

    features = torch.tensor(values, requires_grad=True)
    (head(features) * torch.tensor(one_hot)).sum().backward()
    return np.asarray(features.grad)
