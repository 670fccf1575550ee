"""The networks: sizes, shapes, and the promises that conversion relies on."""

import keras
import numpy as np
import pytest

from train.architectures import NETWORKS, SIZE_FREE, network_name
from train.config import parse
from train.models import ARCHITECTURES, compact, count_multiply_adds, original, resnet18
from train.torch_kernels import _same_padding


def test_the_original_is_the_original() -> None:
    network = original(heads=("label",))
    assert network.count_params() == 1_470_951
    kernels = [layer.count_params() for layer in network.layers if layer.weights]
    assert kernels == [320, 128, 9248, 128, 18496, 256, 36928, 256, 73856, 512, 147584, 512, 1179904, 1024, 1799]
    assert count_multiply_adds(network) == pytest.approx(87e6, rel=0.01)


def test_the_compact_network_is_small() -> None:
    network = compact()
    assert network.count_params() <= 1_500_000
    assert count_multiply_adds(network) <= 100e6


def test_every_batch_norm_of_the_compact_network_stands_between_a_convolution_and_a_relu() -> None:
    layers = compact().layers
    places = [i for i, layer in enumerate(layers) if isinstance(layer, keras.layers.BatchNormalization)]
    assert places
    for place in places:
        assert isinstance(layers[place - 1], keras.layers.Conv2D)
        assert isinstance(layers[place + 1], keras.layers.ReLU)


@pytest.mark.parametrize("name", ["compact", "original", "resnet18", "mobilenetv3"])
def test_camera_bytes_go_in_and_probabilities_come_out(name: str) -> None:
    network = ARCHITECTURES[name]()
    assert network.input_shape == (None, 48, 48, 1)
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype(np.float32)
    outputs = network.predict(faces, verbose=0)
    assert set(outputs) == {"people", "label"}
    for probabilities in outputs.values():
        assert probabilities.dtype == np.float32
        assert probabilities.shape == (3, 7)
        assert np.allclose(probabilities.sum(1), 1, atol=1e-5)


def test_size_free_networks_share_their_weights_between_sizes() -> None:
    assert {"compact", "resnet18"} <= set(SIZE_FREE)
    for build in (compact, resnet18):
        small, full = build((32, 32, 1)), build()
        full.set_weights(small.get_weights())
        assert [w.shape for w in small.get_weights()] == [w.shape for w in full.get_weights()]


def test_same_padding_is_tensorflow_s() -> None:
    assert _same_padding(48, kernel=3, stride=1, dilation=1) == (1, 1)
    assert _same_padding(48, kernel=3, stride=2, dilation=1) == (0, 1)
    assert _same_padding(9, kernel=3, stride=2, dilation=1) == (1, 1)
    assert _same_padding(9, kernel=1, stride=2, dilation=1) == (0, 0)


def test_the_names_are_those_of_the_networks() -> None:
    assert [build.__name__ for build in ARCHITECTURES.values()] == list(NETWORKS)
    assert network_name("edge") == "compact"  # its older name
    assert parse(["--arch", "edge"]) == parse([])
