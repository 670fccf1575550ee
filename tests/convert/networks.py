"""Small networks and images for the conversion's tests: gray gratings, one direction a class.

As a script, `python tests/convert/networks.py FOLDER`, it trains the two networks and writes
FOLDER/original.keras and FOLDER/residual.keras; TensorFlow stays out of the test process.
"""

import csv
import os
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.model_info import LABELS, Head, ModelInfo, write_model_info
from train.data import VOTE_COLUMNS

SIZE = 48
NETWORKS = ("original", "residual")


def make_gratings(count: int, seed: int) -> tuple[Any, Any]:
    """Images (count, 48, 48) uint8 and their labels: stripes whose direction is the class, in noise."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % len(LABELS)
    y, x = np.mgrid[:SIZE, :SIZE]
    angles = (np.pi * labels / len(LABELS) + generator.normal(0, 0.05, count))[:, None, None]
    waves = np.sin((np.cos(angles) * x + np.sin(angles) * y) * 0.6 + generator.uniform(0, 6, (count, 1, 1)))
    images = 128 + 60 * waves + generator.normal(0, 30, (count, SIZE, SIZE))
    return np.clip(images, 0, 255).astype(np.uint8), labels


def write_dataset(folder: Path, train: int = 140, test: int = 70) -> Path:
    """FER-2013's layout, with gratings for faces."""
    rows: list[list[object]] = []
    for split, splits, count, seed in (
        ("train", ["Training"], train, 1),
        ("test", ["PublicTest", "PrivateTest"], test, 2),
    ):
        for index, (image, label) in enumerate(zip(*make_gratings(count, seed), strict=True)):
            file = folder / split / LABELS[label] / f"{splits[index % len(splits)]}_{index}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), image)
            votes = [10 * (column == people_say(label)) for column in range(len(LABELS))]
            rows.append([file.relative_to(folder).as_posix(), *votes])
    with (folder.parent / "ferplus.csv").open("w", newline="") as table:
        csv.writer(table).writerows([["path", *VOTE_COLUMNS[: len(LABELS)]], *rows])
    return folder


def main() -> None:
    """Train both networks on gratings."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras

    folder = Path(sys.argv[1])
    for name in NETWORKS:
        keras.utils.set_random_seed(0)
        keras.mixed_precision.set_global_policy("mixed_bfloat16" if name == "residual" else "float32")
        network = original_network() if name == "original" else residual_network()
        images, labels = make_gratings(560, seed=3)
        network.compile(keras.optimizers.Adam(0.005), losses(name))
        network.fit(images[..., None].astype(np.float32), targets(name, labels), batch_size=32, epochs=3, verbose=0)
        network.save(folder / f"{name}.keras")
        heads = (Head("label"),) if name == "original" else (Head("people"), Head("label"))
        write_model_info(folder / f"{name}.keras", ModelInfo(name=name, heads=heads, dataset="gratings"))


def losses(network: str) -> Any:
    """A loss for each head."""
    loss = "sparse_categorical_crossentropy"
    return loss if network == "original" else {"people": loss, "label": loss}


def targets(network: str, labels: Any) -> Any:
    """What a network learns: the residual one has two heads that disagree, so that none can stand for the other."""
    return labels if network == "original" else {"people": people_say(labels), "label": labels}


def people_say(labels: Any) -> Any:
    """The class behind the label."""
    return (labels + 1) % len(LABELS)


def original_network() -> Any:
    """The original system's shape, small: Conv, ReLU, then BatchNorm; Flatten; a dense head with a BatchNorm."""
    from keras import Input, Model, layers

    inputs = Input((SIZE, SIZE, 1))
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (6, 8):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
            x = layers.BatchNormalization(momentum=0.8)(x)
        x = layers.Dropout(0.1)(layers.MaxPooling2D(3)(x))
    x = layers.Dense(24, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(0.1)(layers.BatchNormalization(momentum=0.8)(x))
    return Model(inputs, layers.Dense(len(LABELS), activation="softmax", dtype="float32")(x))


def residual_network() -> Any:
    """The device network's shape, small: strided Conv, BatchNorm, ReLU with residual sums; pooled features."""
    from keras import Input, Model, layers

    def convolve(x: Any, filters: int, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x))

    inputs = Input((SIZE, SIZE, 1))
    x = convolve(layers.Rescaling(1 / 255)(inputs), 8, 2)
    for filters in (8, 16):
        x = convolve(x, filters, 2)
        x = layers.Add()([x, convolve(x, filters)])
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling2D()(x))
    logits = {head: layers.Dense(len(LABELS), name=f"{head}_logits")(x) for head in ("people", "label")}
    return Model(inputs, {head: layers.Softmax(dtype="float32", name=head)(logits[head]) for head in logits})


if __name__ == "__main__":
    main()
