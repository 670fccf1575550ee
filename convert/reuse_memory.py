"""Rewrite a float `.tflite` file so that tflite-runtime needs less memory for it; its answers stay the same bit by bit.

    python -m convert.reuse_memory face_detection_back.tflite --out edge/models/face_detection_back.tflite

The planner of tflite-runtime 2.14 (XNNPACK's of 2023) places the values of a graph in memory: large ones first, equal
ones by their numbers. Where a value is needed together with one other only, it is placed behind that one, even if the
memory before it is free. So a chain of equal layers never uses memory twice. This gives the values other numbers: first
a set of values that are never needed at the same time, then the next set. ReLUs become a part of the operator before.
"""

if __name__ == "__main__":  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.command_line import need_extra
    from edge.interrupts import end_quietly

    end_quietly()
    need_extra("train", "tensorflow")

import argparse
import io
import math
import os
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.command_line import CommandParser, run_command
from edge.errors import ModelError
from edge.files import replacing
from edge.tflite_file import check_whole

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow is imported: errors only

_ADD, _CONV, _DEPTHWISE, _RELU = 0, 3, 4, 19
"""Operator codes in TensorFlow's schema.fbs."""
_FUSED_NONE, _FUSED_RELU = 0, 1


def reuse_memory(content: bytes) -> bytes:
    """Return the file with fused ReLUs and its values in the planner's best order.

    Raises:
        ModelError: it has a contract, several graphs, or a value that an operator changes in place.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    if zipfile.is_zipfile(io.BytesIO(content)):
        raise ModelError("Expected a file without a contract: it would be lost. Received: one with a contract")
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    graph = model.subgraphs[0]
    if len(model.subgraphs) > 1 or any(tensor.isVariable for tensor in graph.tensors):
        raise ModelError("Expected a file with one graph and no variables. Received: one with more")
    _fuse_relus(graph, [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes])
    _renumber(model, graph, _sets_of_values(graph))
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = CommandParser("python -m convert.reuse_memory", description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="a float .tflite file without a contract, such as a face detector's")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    options = parser.parse_args(arguments)
    return run_command(lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    check_whole(options.file)
    content = reuse_memory(options.file.read_bytes())
    with replacing(options.out) as part:
        part.write_bytes(content)
    sys.stdout.write(f"Wrote {options.out}, {len(content)} bytes\n")
    return 0


def _fuse_relus(graph: Any, codes: Sequence[int]) -> None:
    """Let the operator before a ReLU apply it, where nothing else needs the value between them."""
    makers = {operator.outputs[0]: operator for operator in graph.operators}
    readers = Counter(index for operator in graph.operators for index in operator.inputs)
    kept = []
    for operator in graph.operators:
        before = makers.get(operator.inputs[0])
        if (
            codes[operator.opcodeIndex] == _RELU
            and before is not None
            and codes[before.opcodeIndex] in (_ADD, _CONV, _DEPTHWISE)
            and before.builtinOptions.fusedActivationFunction == _FUSED_NONE
            and readers[operator.inputs[0]] == 1
            and operator.inputs[0] not in graph.outputs
        ):
            before.builtinOptions.fusedActivationFunction = _FUSED_RELU
            before.outputs = operator.outputs
            makers[operator.outputs[0]] = before
        else:
            kept.append(operator)
    graph.operators = kept


def _sets_of_values(graph: Any) -> dict[int, int]:
    """The set of each computed value: values of the same size and set are needed one after another."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for step, operator in enumerate(graph.operators):
        for index in operator.outputs:
            first[index] = last[index] = step
        for index in operator.inputs:
            if index in first:
                last[index] = step
    free_after: dict[int, list[int]] = defaultdict(list)
    """By size, the step after which each set is free."""
    sets = {}
    for index in sorted(first, key=first.__getitem__):
        steps = free_after[math.prod(graph.tensors[index].shape)]
        number = next((number for number, step in enumerate(steps) if step < first[index]), len(steps))
        steps[number:] = [last[index], *steps[number + 1 :]]
        sets[index] = number
    return sets


def _renumber(model: Any, graph: Any, sets: dict[int, int]) -> None:
    """Put constants and inputs first, then the values by their sets."""
    order = sorted(range(len(graph.tensors)), key=lambda index: sets.get(index, -1))
    new = {-1: -1, **{index: place for place, index in enumerate(order)}}  # -1: an optional input that is not given
    graph.tensors = [graph.tensors[index] for index in order]
    for part in (graph, *graph.operators):
        part.inputs, part.outputs = ([new[index] for index in indices] for indices in (part.inputs, part.outputs))
    for signature in model.signatureDefs or ():
        for tensor in (*signature.inputs, *signature.outputs):
            tensor.tensorIndex = new[tensor.tensorIndex]


if __name__ == "__main__":
    sys.exit(main())
