"""BatchNorm and convolutions by torch's own kernels, when torch is Keras' backend.

On torch, Keras 3.15 composes BatchNorm of a dozen elementwise operations, and copies every image
twice around a convolution. With the kernels themselves a step on a CPU takes half the time and
gives the same numbers. The layers stay Keras' own, so saved files know nothing of it.
"""

from typing import Any

import keras


def use_native_kernels() -> None:
    """Let BatchNormalization, Conv2D and DepthwiseConv2D use torch's kernels; on other backends nothing changes."""
    if keras.backend.backend() == "torch":
        keras.layers.BatchNormalization.call = _normalize
        keras.layers.Conv2D.convolution_op = _convolve
        keras.layers.DepthwiseConv2D.call = _convolve_each_channel


def _normalize(
    self: keras.layers.BatchNormalization, inputs: Any, training: bool | None = None, mask: None = None
) -> Any:
    import torch.nn.functional

    if mask is not None or inputs.ndim not in (2, 4):
        raise ValueError(f"Expected inputs of rank 2 or 4 without a mask. Received: rank {inputs.ndim}, mask {mask}")
    channels_first = inputs.permute(0, 3, 1, 2) if inputs.ndim == 4 else inputs
    outputs = torch.nn.functional.batch_norm(
        channels_first,
        self.moving_mean.value,
        self.moving_variance.value,
        self.gamma.value,
        self.beta.value,
        training=bool(training) and self.trainable,
        momentum=1 - self.momentum,
        eps=self.epsilon,
    )
    return outputs.permute(0, 2, 3, 1) if inputs.ndim == 4 else outputs


def _convolve(self: keras.layers.Conv2D, inputs: Any, kernel: Any) -> Any:
    return _convolved(self, inputs, keras.ops.convert_to_tensor(kernel).permute(3, 2, 0, 1), self.groups)


def _convolve_each_channel(self: keras.layers.DepthwiseConv2D, inputs: Any) -> Any:
    kernel = keras.ops.convert_to_tensor(self.kernel).permute(2, 3, 0, 1)  # channels, multiplier, height, width
    outputs = _convolved(self, inputs, kernel.flatten(0, 1).unsqueeze(1), groups=len(kernel))
    outputs = outputs + self.bias if self.use_bias else outputs
    return outputs if self.activation is None else self.activation(outputs)


def _convolved(layer: keras.Layer, inputs: Any, weights: Any, groups: int) -> Any:
    """Images (batch, height, width, channels) by weights (filters, channels of a group, height, width)."""
    import torch.nn.functional

    images = inputs.permute(0, 3, 1, 2)  # a view: the memory stays channels last
    rows, columns = (
        _same_padding(*sizes) if layer.padding == "same" else (0, 0)
        for sizes in zip(images.shape[2:], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
    )
    if rows[0] == rows[1] and columns[0] == columns[1]:
        padding = (rows[0], columns[0])
    else:
        images, padding = torch.nn.functional.pad(images, (*columns, *rows)), (0, 0)
    weights = weights.contiguous(memory_format=torch.channels_last)
    outputs = torch.nn.functional.conv2d(
        images, weights, stride=layer.strides, padding=padding, dilation=layer.dilation_rate, groups=groups
    )
    return outputs.permute(0, 2, 3, 1)


def _same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after, as TensorFlow pads: the odd one comes after."""
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2
