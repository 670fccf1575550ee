"""BatchNorm and convolution by torch's own kernels, when torch is Keras' backend.

On torch, Keras 3.15 composes BatchNorm of a dozen elementwise operations, and copies every image
twice around a convolution. With the kernels themselves a step on a CPU takes half the time and
gives the same numbers. The layers stay Keras' own, so saved files know nothing of it.
"""

from typing import Any

import keras


def use_native_kernels() -> None:
    """Let every BatchNormalization and Conv2D use torch's kernels; on other backends nothing changes."""
    if keras.backend.backend() == "torch":
        keras.layers.BatchNormalization.call = _normalize
        keras.layers.Conv2D.convolution_op = _convolve


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
    import torch.nn.functional

    weights = keras.ops.convert_to_tensor(kernel).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    images = inputs.permute(0, 3, 1, 2)  # a view: the memory stays channels last
    rows, columns = (
        _same_padding(*sizes) if self.padding == "same" else (0, 0)
        for sizes in zip(images.shape[2:], self.kernel_size, self.strides, self.dilation_rate, strict=True)
    )
    if rows[0] == rows[1] and columns[0] == columns[1]:
        padding = (rows[0], columns[0])
    else:
        images, padding = torch.nn.functional.pad(images, (*columns, *rows)), (0, 0)
    outputs = torch.nn.functional.conv2d(
        images, weights, stride=self.strides, padding=padding, dilation=self.dilation_rate, groups=self.groups
    )
    return outputs.permute(0, 2, 3, 1)


def _same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after, as TensorFlow pads: the odd one comes after."""
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2
