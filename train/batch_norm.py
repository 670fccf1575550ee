"""BatchNorm by torch's own kernel, when torch is Keras' backend.

Keras 3.15 composes the layer of a dozen elementwise operations there, which took two thirds of a
training step on a CPU; the kernel gives the same numbers and trains about 1.7 times as fast. The
layer stays Keras' own, so saved files know nothing of it.
"""

from typing import Any

import keras


def use_native_kernel() -> None:
    """Let every BatchNormalization layer use the backend's kernel; on other backends nothing changes."""
    if keras.backend.backend() == "torch":
        keras.layers.BatchNormalization.call = _call


def _call(self: keras.layers.BatchNormalization, inputs: Any, training: bool | None = None, mask: None = None) -> Any:
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
