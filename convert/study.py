"""`python -m convert.study KERAS_FILE`: compare ways to make an int8 file, by time and accuracy, in a Markdown table.

It made the tables of docs/quantisation.md, and keeps no file. `python -m convert` uses the way called `chosen`.
"""

if __name__ == "__main__":  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.interrupts import end_quietly

    end_quietly()

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from convert.calibrate import ConversionData, choose_balanced, load_conversion_data
from convert.config import ConvertConfig
from convert.convert import stage
from convert.keras_file import KerasSource, load_source, quiet, use_tensorflow
from convert.quantize import Quantizer, quantize_calibrated
from convert.verify import REFERENCE, Proof, prove
from edge.command_line import CommandParser, run_command
from edge.results import FaceInput
from train.markdown import table

use_tensorflow()  # before what imports Keras

from convert.correct import correct_biases  # noqa: E402
from convert.equalize import equalize_graph  # noqa: E402
from convert.fold import fold_graph  # noqa: E402
from convert.graph import build_model, read_graph  # noqa: E402
from convert.prune import prune_graph  # noqa: E402

_RANGED = 100
"""How many images percentiles are computed on; all of the network's values on them are in memory at once."""


@dataclass(frozen=True)
class StudyInputs:
    """The network and images that all ways start from."""

    source: KerasSource
    data: ConversionData

    @property
    def faces(self) -> FaceInput:
        """The calibration set."""
        return self.data.calibration.faces

    def graph(self, fold: bool = True, sparsity: float = 0.0, equalize: bool = True, correct: bool = True) -> Any:
        """Make a new graph of the network, with the chosen rewrites."""
        graph = read_graph(self.source.model)
        if fold:
            fold_graph(graph)
        prune_graph(graph, sparsity)
        if equalize:
            equalize_graph(graph, self.faces)
        if correct:
            correct_biases(graph, self.faces)
        return graph

    def float32(self) -> bytes:
        """The float32 file, which times are compared with."""
        return Quantizer(build_model(self.graph(equalize=False, correct=False)), self.faces).convert(REFERENCE)

    def calibrated(self, graph: Any, faces: FaceInput | None = None) -> bytes:
        """Make a float32 file of `graph` with the ranges of its tensors."""
        return Quantizer(build_model(graph), self.faces if faces is None else faces).calibrate()

    @cached_property
    def chosen(self) -> bytes:
        """The calibrated file of the chosen way."""
        return self.calibrated(self.graph())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study and print its table."""
    parser = CommandParser("python -m convert.study", description=__doc__)
    parser.add_argument("model", type=Path, help="the Keras file")
    parser.add_argument("--data", type=Path, help="FER-2013: folder, zip or csv (default: variable FER2013, or data/)")
    parser.add_argument("--images", type=int, help="how many test images to use (default: all)")
    arguments = parser.parse_args(argv)
    return run_command(lambda: _study(arguments))


def _study(arguments: argparse.Namespace) -> int:
    config = ConvertConfig(arguments.model, data=arguments.data)
    source = load_source(config.model)
    given = StudyInputs(source, load_conversion_data(config, source.info))
    contents = {REFERENCE: given.float32()}
    for way, make in WAYS.items():
        sys.stderr.write(f"{way}\n")
        with quiet():
            contents[way] = make(given)
    sys.stdout.write("\n".join(format_study(prove_ways(contents, given, arguments.images))) + "\n")
    return 0


def prove_ways(contents: Mapping[str, bytes], given: StudyInputs, count: int | None) -> dict[str, Proof]:
    """Compare each way's file with Keras, in every runtime, on `count` test images or all."""
    source, images = given.source, given.data.proof
    if count is not None:
        images = images.take(choose_balanced(images.labels, count, seed=0))
    keras = source.predict(images.faces)
    with tempfile.TemporaryDirectory(prefix="study-") as scratch:
        return prove(stage(contents, source, Path(scratch)), keras, images, source.info, Path(scratch))


def format_study(proofs: Mapping[str, Proof]) -> list[str]:
    """The table: a line for each way and head."""
    runtimes = list(proofs[REFERENCE].latency_ratio)
    columns = ["int8 file", "head", "drop, points", "KL, nats", "bytes", "gzip"]
    columns += [f"{what}, {runtime}" for what in ("agreement", "time / float32") for runtime in runtimes]
    rows = [[way, *row] for way, proof in proofs.items() for row in _study_rows(proof, runtimes)]
    return table(columns, rows)


def _study_rows(proof: Proof, runtimes: Sequence[str]) -> list[list[str]]:
    rows = []
    for head, losses in proof.losses.items():
        drop = "-" if losses.drop_points is None else f"{losses.drop_points:+.2f}"
        figures = [head, drop, f"{losses.kl_divergence:.5f}", f"{proof.size_bytes:,}", f"{proof.gzip_bytes:,}"]
        figures += [f"{proof.losses_by_runtime[runtime][head].agreement:.4f}" for runtime in runtimes]
        rows.append(figures + [f"{proof.latency_ratio[runtime]:.3f}" for runtime in runtimes])
    return rows


def quantized(given: StudyInputs, **rewrites: Any) -> bytes:
    """Make an int8 file with other rewrites of the graph."""
    return quantize_calibrated(given.calibrated(given.graph(**rewrites)))


def with_options(given: StudyInputs, **options: Any) -> bytes:
    """Make an int8 file with other options of TensorFlow's quantizer."""
    return quantize_calibrated(given.chosen, **options)


def with_images(given: StudyInputs, count: int) -> bytes:
    """Make an int8 file calibrated on another number of training images."""
    training = given.data.available
    chosen = training.take(choose_balanced(training.labels, count, seed=0))
    return quantize_calibrated(given.calibrated(given.graph(), chosen.faces))


def with_ranges(given: StudyInputs, find: Callable[[Any], tuple[Any, Any]]) -> bytes:
    """Make an int8 file with ranges that `find` computes from a tensor's values, (images, values of each)."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(given.chosen))
    graph = model.subgraphs[0]
    values = _values(given.chosen, given.faces[:: max(1, len(given.faces) // _RANGED)])
    for index, tensor in enumerate(graph.tensors):
        if index in values and index not in graph.inputs:  # the input keeps camera bytes
            low, high = find(values[index])
            tensor.quantization.min, tensor.quantization.max = [low], [high]
    return quantize_calibrated(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))


def _values(calibrated: bytes, faces: FaceInput) -> dict[int, Any]:
    """The values of each calibrated tensor, (images, values of each), by the tensor's index."""
    import tensorflow as tf
    from tensorflow.lite.tools import flatbuffer_utils

    tensors = flatbuffer_utils.read_model_from_bytearray(bytearray(calibrated)).subgraphs[0].tensors
    ranged = [i for i, tensor in enumerate(tensors) if tensor.quantization and tensor.quantization.min is not None]
    interpreter = tf.lite.Interpreter(model_content=calibrated, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    values: dict[int, list[Any]] = {index: [] for index in ranged}
    for face in faces:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], face[np.newaxis].astype(np.float32))
        interpreter.invoke()
        for index in ranged:
            values[index].append(interpreter.get_tensor(index).ravel())
    return {index: np.stack(parts) for index, parts in values.items()}


WAYS: dict[str, Callable[[StudyInputs], bytes]] = {
    "as trained": lambda m: quantized(m, fold=False, equalize=False, correct=False),
    "folded": lambda m: quantized(m, equalize=False, correct=False),
    "folded, equalised": lambda m: quantized(m, correct=False),
    "chosen: folded, equalised, biases corrected": lambda m: quantize_calibrated(m.chosen),
    "logits in int8 too": partial(with_options, denylisted_nodes=None),
    "one scale for each dense layer": partial(with_options, disable_per_channel_for_dense_layers=True),
    "one scale for each layer": partial(with_options, disable_per_channel=True),
    "ranges of 100 images": partial(with_images, count=100),
    "ranges of 2000 images": partial(with_images, count=2000),
    "ranges: mean of each image's": partial(with_ranges, find=lambda v: (v.min(1).mean(), v.max(1).mean())),
    "ranges: percentile 99.99": partial(with_ranges, find=lambda v: np.percentile(v, (0.01, 99.99))),
    "ranges: percentile 99.9": partial(with_ranges, find=lambda v: np.percentile(v, (0.1, 99.9))),
    "half of the weights pruned": lambda m: quantized(m, sparsity=0.5),
}


if __name__ == "__main__":
    sys.exit(main())
