"""A TFLite file as a graph."""

import pytest

from convert.tflite_file import read_tflite
from edge.errors import ModelError
from tests.processes import ROOT


def test_the_bundled_network_reads_as_a_graph() -> None:
    graph = read_tflite(ROOT / "edge/models/emotion_int8.tflite")
    assert graph.inputs[0].shape == (1, 48, 48, 1)
    assert graph.outputs[0].shape == (1, 7)
    assert 1_000_000 < graph.multiply_adds < 200_000_000
    assert not [operator.name for operator in graph.operators if operator.name.startswith("BUILTIN")]


def test_damaged_graphs_are_refused_and_never_crash() -> None:
    content = (ROOT / "edge/models/emotion_int8.tflite").read_bytes()
    for length in (0, 3, 8, 40, 400, 4_000):
        with pytest.raises(ModelError):
            read_tflite(content[:length])
    with pytest.raises(ModelError):
        read_tflite(b"\xff\xff\xff\xffTFL3" + bytes(100))
