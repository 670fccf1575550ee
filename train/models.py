"""The networks, one function each: uint8 pixels in [0, 255] go in, probabilities come out.

Scaling is the first layer, so a camera's bytes are the input of every network and of its TFLite
files. It ends in one softmax in float32 per head, all on the same features: `people` tells what
ten people would vote (FER+), `label` tells FER-2013's own label. A network is built for one input
shape; the convolutional ones share their weights between sizes.
"""

from collections.abc import Callable, Sequence
from functools import partial

import keras
from keras import layers

from edge.model_info import LABELS
from train.architectures import NETWORKS

InputShape = tuple[int | None, int | None, int]
BATCH_NORM_MOMENTUM = 0.97  # Keras' 0.99 is slow for runs of a few dozen epochs
RECIPE_SIZE = (48, 48, 1)
HEADS = ("people", "label")
"""The softmax layers of a network that was trained with votes, the one that decides first."""
FACE_OFFSETS = (-103.939, -116.779, -123.68)
"""What the face network of `train/face_weights.py` adds to blue, green and red."""
LOGITS = "_logits"
"""What follows a head's name in the name of its dense layer."""


def original(input_shape: InputShape = RECIPE_SIZE, heads: Sequence[str] = HEADS) -> keras.Model:
    """The VGG-like network of the original system: 1,470,951 parameters, 87 M multiply-adds."""
    inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (32, 64, 128):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
            x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(inputs, _probabilities(x, heads), name="original")


def compact(input_shape: InputShape = RECIPE_SIZE, heads: Sequence[str] = HEADS) -> keras.Model:
    """The default, trained from scratch: residual stages of Conv-BatchNorm-ReLU; 1.1 M parameters, 91 M multiply-adds.

    Each BatchNorm is between its convolution and the ReLU, so it folds away wholly. Downscaling
    is done by strided convolutions: no pooling operator between them.
    """
    return _residual_network("compact", input_shape, heads, stem=24, widths=(48, 96, 192), blocks=1, dropout=0.3)


def teacher(input_shape: InputShape = RECIPE_SIZE, heads: Sequence[str] = HEADS) -> keras.Model:
    """A wide and deep `compact` to distil from: 15 M parameters, 1.2 G multiply-adds; for a GPU."""
    return _residual_network("teacher", input_shape, heads, stem=64, widths=(128, 256, 512), blocks=2, dropout=0.4)


def resnet18(input_shape: InputShape = RECIPE_SIZE, heads: Sequence[str] = HEADS) -> keras.Model:
    """ResNet-18 (He et al. 2015, arXiv:1512.03385) with the 3x3 stem that small images need: 11 M parameters."""
    inputs = keras.Input(input_shape)
    x = _conv(layers.Rescaling(1 / 127.5, offset=-1)(inputs), 64)
    for stage, filters in enumerate((64, 128, 256, 512)):
        for block in range(2):
            x = _resnet_block(x, filters, strides=2 if stage and not block else 1)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, _probabilities(layers.Dropout(0.3)(x), heads), name="resnet18")


def mobilenetv3(
    input_shape: InputShape = RECIPE_SIZE, heads: Sequence[str] = HEADS, weights: str | None = None
) -> keras.Model:
    """MobileNetV3-Small from keras.applications, at twice the image's size; `weights` is a file of the user's."""
    return _transfer("mobilenetv3", input_shape, heads, weights, keras.applications.MobileNetV3Small)


def efficientnet(
    input_shape: InputShape = RECIPE_SIZE, heads: Sequence[str] = HEADS, weights: str | None = None
) -> keras.Model:
    """EfficientNetV2-B0 from keras.applications, at twice the image's size; `weights` is a file of the user's."""
    return _transfer("efficientnet", input_shape, heads, weights, keras.applications.EfficientNetV2B0)


def mobilenet(
    input_shape: InputShape = RECIPE_SIZE, heads: Sequence[str] = HEADS, weights: str | None = None
) -> keras.Model:
    """The first ten blocks of MobileNet at twice the image's size: 1.4 M parameters, 80 M multiply-adds.

    The network in edge/ is one. `weights` is what `python -m train.face_weights` writes: a network that already tells
    faces apart.
    """
    return _transfer("mobilenet", input_shape, heads, weights, partial(mobilenet_blocks, 10), FACE_OFFSETS)


def mobilenet_full(
    input_shape: InputShape = RECIPE_SIZE, heads: Sequence[str] = HEADS, weights: str | None = None
) -> keras.Model:
    """All thirteen blocks of MobileNet at 128x128, a teacher for `mobilenet`: 3.2 M parameters, 186 M multiply-adds."""
    blocks = partial(mobilenet_blocks, 13)
    return _transfer("mobilenet_full", input_shape, heads, weights, blocks, FACE_OFFSETS, side=128)


def mobilenet_blocks(
    blocks: int, weights: str | None, input_shape: InputShape, include_top: bool = False
) -> keras.Model:
    """The first blocks of MobileNet (Howard et al. 2017, arXiv:1704.04861); `weights` are those of all thirteen."""
    whole = keras.applications.MobileNet(include_top=include_top, weights=None, input_shape=input_shape)
    if weights:
        whole.load_weights(weights)
    return keras.Model(whole.input, whole.get_layer(f"conv_pw_{blocks}_relu").output, name=f"mobilenet_{blocks}")


ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {name: globals()[name] for name in NETWORKS}
"""The functions above, by their names in `train/architectures.py`."""


def count_multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one image in the convolutions and dense layers, from the layers' shapes."""
    total = 0
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
            _, height, width, _ = layer.output.shape
            total += height * width * int(layer.kernel.shape[0] * layer.kernel.shape[1]) * _channels(layer)
        elif isinstance(layer, layers.Dense):
            total += layer.kernel.shape[0] * layer.kernel.shape[1]
    return total


def _channels(layer: keras.Layer) -> int:
    return int(layer.kernel.shape[2] * layer.kernel.shape[3])


def _residual_network(
    name: str,
    input_shape: InputShape,
    heads: Sequence[str],
    stem: int,
    widths: tuple[int, ...],
    blocks: int,
    dropout: float,
) -> keras.Model:
    inputs = keras.Input(input_shape)
    x = _conv(layers.Rescaling(1 / 255)(inputs), stem)
    for filters in widths:
        x = _conv(x, filters, strides=2)
        for _ in range(blocks):
            x = layers.Add()([x, _conv(_conv(x, filters), filters)])
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, _probabilities(x, heads), name=name)


def _conv(x: keras.KerasTensor, filters: int, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)
    return layers.ReLU()(x)


def _resnet_block(x: keras.KerasTensor, filters: int, strides: int) -> keras.KerasTensor:
    y = _conv(x, filters, strides)
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(y)
    y = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, gamma_initializer="zeros")(y)
    if strides != 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, strides, use_bias=False, kernel_initializer="he_normal")(x)
        x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)
    return layers.ReLU()(layers.Add()([x, y]))


def _transfer(
    name: str,
    input_shape: InputShape,
    heads: Sequence[str],
    weights: str | None,
    application: Callable[..., keras.Model],
    offsets: Sequence[float] = (0.0, 0.0, 0.0),
    side: int = 96,
) -> keras.Model:
    inputs = keras.Input(input_shape)
    x = layers.Concatenate()([inputs] * 3)
    x = layers.Resizing(side, side, dtype="float32")(x)  # in float32: TensorFlow's resize of bfloat16 is none
    if any(offsets):
        x = layers.Rescaling(1.0, offset=list(offsets), dtype="float32")(x)
    backbone = application(include_top=False, weights=weights, input_shape=(side, side, 3))
    for layer in backbone._flatten_layers(include_self=False, recursive=True):
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM  # Keras' own 0.999 is slower still
    x = layers.GlobalAveragePooling2D()(backbone(x))
    return keras.Model(inputs, _probabilities(layers.Dropout(0.3)(x), heads), name=name)


def _probabilities(x: keras.KerasTensor, heads: Sequence[str]) -> dict[str, keras.KerasTensor]:
    """A softmax per head on the same features."""
    logits = {head: layers.Dense(len(LABELS), name=head + LOGITS)(x) for head in heads}
    return {head: layers.Softmax(dtype="float32", name=head)(logits[head]) for head in heads}
