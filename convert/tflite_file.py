"""Reads a `.tflite` file without any runtime: its operators, tensors and multiply-adds.

A TFLite file is a FlatBuffer (magic `TFL3`); the few tables that matter are read by their field
numbers in TensorFlow's schema.fbs. Standard library only, so it may run beside any runtime.
"""

import math
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import ModelError

OPERATORS = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE",
    9: "FULLY_CONNECTED", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU", 21: "RELU6", 22: "RESHAPE",
    23: "RESIZE_BILINEAR", 25: "SOFTMAX", 34: "PAD", 39: "TRANSPOSE", 40: "MEAN", 41: "SUB", 45: "STRIDED_SLICE",
    49: "SPLIT", 60: "PADV2", 61: "GREATER", 67: "TRANSPOSE_CONV", 74: "SUM", 75: "SQRT", 76: "RSQRT", 77: "SHAPE",
    83: "PACK", 97: "RESIZE_NEAREST_NEIGHBOR", 100: "MIRROR_PAD", 114: "QUANTIZE", 117: "HARD_SWISH",
    150: "GELU",
}  # fmt: skip
"""The builtin operator codes in schema.fbs that networks like ours use."""
TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True)
class Tensor:
    """An activation or a weight."""

    name: str
    shape: tuple[int, ...]
    type: str
    scales: tuple[float, ...]
    """One for the tensor, or one per channel; empty if the tensor is not quantized."""
    zero_points: tuple[int, ...]


@dataclass(frozen=True)
class Operator:
    """One step of the graph."""

    name: str
    version: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one inference; 0 for an operator without weights."""
        if self.name not in _WEIGHTED:
            return 0
        weights, output = self.inputs[1].shape, self.outputs[0].shape
        channels = weights[-1] if self.name == "DEPTHWISE_CONV_2D" else weights[0]
        return math.prod(weights) * math.prod(output) // channels


@dataclass(frozen=True)
class TfliteFile:
    """The contents of a file."""

    operators: tuple[Operator, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one inference in convolutions and dense layers."""
        return sum(operator.multiply_adds for operator in self.operators)


def read_tflite(source: Path | bytes) -> TfliteFile:
    """Read a TFLite file, given by its path or its bytes.

    Raises:
        ModelError: it is no TFLite file, or damaged.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    what = "bytes" if isinstance(source, bytes) else str(source)
    if data[4:8] != b"TFL3":
        raise ModelError(f"Expected a TFLite file (its bytes 4 to 8 are TFL3). Received: {what}, {data[4:8]!r}")
    try:
        return _read_model(_Table(data, struct.unpack_from("<I", data)[0]))
    except (struct.error, IndexError, UnicodeDecodeError, MemoryError) as error:
        raise ModelError(f"Expected a whole TFLite file. Received: {what}, {error}") from error


def find_not_finite(source: Path | bytes) -> list[str]:
    """The names of the tensors with NaN or infinity in their weights or quantization scales.

    Raises:
        ModelError: it is no TFLite file, or damaged.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        model = _Table(data, struct.unpack_from("<I", data)[0])
        buffers = model.tables(4)
        tensors = model.tables(2)[0].tables(0)
        return [tensor.text(3) for tensor in tensors if not _is_finite(tensor, buffers[tensor.number(2, "I")])]
    except (struct.error, IndexError, UnicodeDecodeError, MemoryError) as error:
        raise ModelError(f"Expected a whole TFLite file. Received: {source!r:.80}, {error}") from error


def count_operators(graph: TfliteFile) -> dict[str, int]:
    """How often each operator, such as `CONV_2D (version 3)`, occurs, in the order of the graph."""
    return dict(Counter(f"{operator.name} (version {operator.version})" for operator in graph.operators))


@dataclass(frozen=True)
class _Table:
    """A FlatBuffer table; its vtable gives the place of each field."""

    data: bytes
    start: int

    def number(self, field: int, form: str = "i", default: int = 0) -> int:
        """A scalar field of struct format `form`."""
        place = self._place(field)
        return int(struct.unpack_from("<" + form, self.data, place)[0]) if place else default

    def numbers(self, field: int, form: str = "i") -> tuple[Any, ...]:
        """A vector of scalars."""
        first, count = self._vector(field)
        return struct.unpack_from(f"<{count}{form}", self.data, first)

    def text(self, field: int) -> str:
        """A string."""
        first, count = self._vector(field)
        return self.data[first : first + count].decode()

    def table(self, field: int) -> "_Table | None":
        """A table inside this one."""
        place = self._place(field)
        return self._follow(place) if place else None

    def tables(self, field: int) -> list["_Table"]:
        """A vector of tables."""
        first, count = self._vector(field)
        return [self._follow(first + 4 * index) for index in range(count)]

    def _place(self, field: int) -> int:
        vtable = self.start - struct.unpack_from("<i", self.data, self.start)[0]
        if 4 + 2 * field >= struct.unpack_from("<H", self.data, vtable)[0]:
            return 0
        offset = struct.unpack_from("<H", self.data, vtable + 4 + 2 * field)[0]
        return self.start + int(offset) if offset else 0

    def _vector(self, field: int) -> tuple[int, int]:
        place = self._place(field)
        if not place:
            return 0, 0
        start = place + struct.unpack_from("<I", self.data, place)[0]
        count = struct.unpack_from("<I", self.data, start)[0]
        if count > len(self.data):
            raise IndexError(f"a vector of {count} items")
        return start + 4, count

    def _follow(self, place: int) -> "_Table":
        return _Table(self.data, place + struct.unpack_from("<I", self.data, place)[0])


def _is_finite(tensor: _Table, buffer: _Table) -> bool:
    form = {"float32": "f", "float16": "e"}.get(TYPES.get(tensor.number(1, "b"), ""))
    first, count = buffer._vector(0)
    values: tuple[float, ...] = ()
    if form:
        values = struct.unpack_from(f"<{count // struct.calcsize(form)}{form}", buffer.data, first)
    return all(map(math.isfinite, (*values, *_read_tensor(tensor).scales)))


def _read_model(model: _Table) -> TfliteFile:
    codes = [_read_code(code) for code in model.tables(1)]
    graph = model.tables(2)[0]
    tensors = [_read_tensor(tensor) for tensor in graph.tables(0)]

    def pick(ids: tuple[int, ...]) -> tuple[Tensor, ...]:
        return tuple(tensors[index] for index in ids if index >= 0)  # -1 is an input that is left out

    operators = tuple(
        Operator(*codes[operator.number(0, "I")], pick(operator.numbers(1)), pick(operator.numbers(2)))
        for operator in graph.tables(3)
    )
    return TfliteFile(operators, pick(graph.numbers(1)), pick(graph.numbers(2)))


def _read_code(code: _Table) -> tuple[str, int]:
    number = max(code.number(0, "b"), code.number(3))
    name = code.text(1) or OPERATORS.get(number, f"BUILTIN_{number}")
    return name, code.number(2, default=1)


def _read_tensor(tensor: _Table) -> Tensor:
    quantization = tensor.table(4)
    scales = quantization.numbers(2, "f") if quantization else ()
    zero_points = quantization.numbers(3, "q") if quantization else ()
    kind = tensor.number(1, "b")
    return Tensor(tensor.text(3), tensor.numbers(0), TYPES.get(kind, f"type {kind}"), scales, zero_points)
