"""Networks as other projects make them; as a script, `python tests/convert/foreign_networks.py FOLDER` writes them.

TensorFlow stays out of the test process.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

SEVEN = "angry,disgust,fear,happy,neutral,sad,surprise"
COMMANDS = {
    "sequential.keras": [SEVEN, "gray48"],
    "mobilenetv2.keras": [SEVEN, "rgb96", "--pixels", "signed"],
    "mixed.keras": [f"{SEVEN},contempt", "gray64x48"],
    "old.h5": ["happy,sad,surprised", "gray48", "--pixels", "unit"],
    "saved_model": ["Wut,Freude,Angst", "rgb48"],
}
"""Of each network: its labels, what it sees, and further options."""


def main() -> None:
    """Write every network of COMMANDS, trained for a moment on bright and dark images."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import keras

    folder = Path(sys.argv[1])
    _trained(_sequential(7, "softmax", scaled=True), 7).save(folder / "sequential.keras")
    _mobilenet(keras).save(folder / "mobilenetv2.keras")
    _trained(_mixed(keras), 8).save(folder / "mixed.keras")
    _trained(_sequential(3, None, scaled=False), 3, scale=1 / 255).save(folder / "old.h5")
    _trained(_sequential(3, "softmax", scaled=True, channels=3), 3).export(folder / "saved_model", verbose=False)


def _sequential(classes: int, activation: str | None, scaled: bool, channels: int = 1) -> Any:
    from keras import Input, Sequential, layers

    first = [layers.Rescaling(1 / 255)] if scaled else []
    shrunk = [layers.Conv2D(8, 3, strides=3, activation="relu"), layers.MaxPooling2D(3), layers.Flatten()]
    return Sequential([Input((48, 48, channels)), *first, *shrunk, layers.Dense(classes, activation=activation)])


def _mobilenet(keras: Any) -> Any:
    """With BatchNorms that have seen images: without, its scores are the same for every image, and it is refused."""
    network = keras.applications.MobileNetV2(input_shape=(96, 96, 3), alpha=0.35, weights=None, classes=7)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    images = np.random.default_rng(0).uniform(-1, 1, (16, 12, 12, 3)).repeat(8, 1).repeat(8, 2).astype(np.float32)
    network(images, training=True)
    return network


def _mixed(keras: Any) -> Any:
    from keras import Input, Model, layers

    keras.mixed_precision.set_global_policy("mixed_float16")
    inputs = Input((48, 64, 1))
    x = layers.Conv2D(8, 3, strides=2)(layers.Rescaling(1 / 255)(inputs))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x)))
    outputs = layers.Dense(8, activation="softmax", dtype="float32")(x)
    keras.mixed_precision.set_global_policy("float32")
    return Model(inputs, outputs)


def _trained(network: Any, classes: int, scale: float = 1.0) -> Any:
    from keras import losses

    generator = np.random.default_rng(0)
    labels = generator.integers(0, classes, 160)
    shape = (160, *network.input_shape[1:])
    images = generator.integers(0, 40, shape) + (labels * 200 // classes)[:, None, None, None]
    logits = network.layers[-1].activation.__name__ == "linear"
    network.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=logits))
    network.fit(images.astype(np.float32) * scale, labels, epochs=2, verbose=0)
    return network


if __name__ == "__main__":
    main()
