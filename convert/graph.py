"""A Keras model as a flat list of steps that can be edited: `read_graph` -> edits -> `build_model`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class ShiftChannels(keras.layers.Layer):  # type: ignore[misc]
    """Adds a constant to each channel of images: the rest of a BatchNorm that can't be folded completely.

    The constant is stored for a whole row of the image, (width, channels): runtimes then add whole rows, which is
    faster than adding to one pixel at a time.
    """

    def __init__(self, shift: Array) -> None:
        super().__init__(dtype="float32")
        self._shift = np.asarray(shift, np.float32)

    def call(self, inputs: Any) -> Any:
        """The sum."""
        return inputs + np.broadcast_to(self._shift, inputs.shape[2:])


@dataclass
class Step:
    """One operation of the graph; a rewrite changes `config` and `weights`, or makes it an identity."""

    operation: Any
    """The Keras layer or operation; None for an identity."""
    arguments: Any
    """Keras' own record of the call; `build_model` replaces the tensors in it."""
    inputs: list[int]
    """The ids of the input tensors."""
    output: Any
    """The output tensor (or structure of tensors)."""
    config: dict[str, Any] = field(default_factory=dict)
    weights: list[Array] = field(default_factory=list)
    shift: Array | None = None
    """A constant for each channel that is added to the output; None: nothing."""

    @property
    def name(self) -> str:
        """The layer's name."""
        return str(self.config.get("name", getattr(self.operation, "name", "identity")))

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The shape of the (single) output, with its batch."""
        return tuple(keras.tree.flatten(self.output)[0].shape)

    @property
    def output_id(self) -> int:
        """The id of the (single) output tensor."""
        return id(keras.tree.flatten(self.output)[0])

    def become_identity(self) -> None:
        """Let the first input pass through unchanged."""
        self.operation = None


@dataclass
class Graph:
    """A model's inputs, steps in the order of execution, and outputs."""

    name: str
    inputs: list[Any]
    steps: list[Step]
    outputs: Any

    def consumers(self, step: Step) -> list[Step]:
        """The steps that read the output of `step`."""
        return [other for other in self.steps if step.output_id in other.inputs]

    def producer(self, step: Step) -> Step | None:
        """The step that makes the first input of `step`; None at the model's input."""
        return next((other for other in self.steps if other.output_id == step.inputs[0]), None)

    def is_output(self, step: Step) -> bool:
        """Whether the model returns what `step` makes."""
        return step.output_id in [id(tensor) for tensor in keras.tree.flatten(self.outputs)]


def read_graph(model: keras.Model) -> Graph:
    """Read a functional or sequential model into a flat graph; nested models are flattened."""
    functional = getattr(model, "_functional", None) or model
    steps = _read_steps(functional)
    return Graph(model.name, list(functional.inputs), _without_shared_weights(steps), functional.output)


def build_model(graph: Graph, batch_size: int | None = 1) -> keras.Model:
    """Build a float32 inference model from the graph, with a fixed batch, so that no shape in it is dynamic."""
    tensors: dict[int, Any] = {}
    inputs = []
    for tensor in graph.inputs:
        inputs.append(keras.Input(batch_shape=(batch_size, *tensor.shape[1:]), dtype="float32", name="image"))
        tensors[id(tensor)] = inputs[-1]
    weights: list[tuple[Any, list[Array]]] = []
    for step in graph.steps:
        _replay(step, tensors, weights)
    outputs = keras.tree.map_structure(lambda tensor: tensors[id(tensor)], graph.outputs)
    model = keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs, name=graph.name)
    for layer, values in weights:
        layer.set_weights(values)
    return model


def _read_steps(functional: Any) -> list[Step]:
    steps: list[Step] = []
    for depth in sorted(functional._nodes_by_depth, reverse=True):
        for node in functional._nodes_by_depth[depth]:
            if node.is_input or isinstance(node.operation, keras.layers.InputLayer):
                continue
            inner = getattr(node.operation, "_functional", None) or node.operation
            if hasattr(inner, "_nodes_by_depth"):
                steps += _spread_out(inner, node)
            else:
                steps.append(_read_step(node))
    return steps


def _spread_out(inner: Any, node: Any) -> list[Step]:
    outer_inputs = [id(tensor) for tensor in node.input_tensors]
    steps = [
        Step(None, None, [outer], tensor) for outer, tensor in zip(outer_inputs, inner.inputs, strict=True)
    ] + _read_steps(inner)
    for made, given in zip(inner.outputs, node.output_tensors, strict=True):
        steps.append(Step(None, None, [id(made)], given))
    return steps


def _read_step(node: Any) -> Step:
    operation = node.operation
    outputs = node.output_tensors
    step = Step(
        operation, node.arguments, [id(t) for t in node.input_tensors], outputs[0] if len(outputs) == 1 else outputs
    )
    if isinstance(operation, keras.Layer):
        step.config = operation.get_config()
        step.config["dtype"] = "float32"  # whatever policy it was trained in
        step.weights = [np.asarray(weight, np.float32) for weight in operation.get_weights()]
    return step


def _without_shared_weights(steps: list[Step]) -> list[Step]:
    """Give every step its own name and weights: a layer used twice becomes two, so that each can be rewritten."""
    seen: dict[str, int] = {}
    for step in steps:
        if "name" in step.config:
            count = seen[step.name] = seen.get(step.name, -1) + 1
            step.config["name"] = f"{step.name}_{count}" if count else step.name
    return steps


def _replay(step: Step, tensors: dict[int, Any], weights: list[tuple[Any, list[Array]]]) -> None:
    if step.operation is None:
        made = tensors[step.inputs[0]]
    else:
        operation = step.operation
        if isinstance(operation, keras.Layer):
            operation = operation.__class__.from_config(step.config)
        args, kwargs = step.arguments.fill_in(tensors)
        made = operation(*args, **_for_inference(kwargs))
        if step.weights:
            weights.append((operation, step.weights))
    if step.shift is not None:
        made = ShiftChannels(step.shift)(made)
    for old, new in zip(keras.tree.flatten(step.output), keras.tree.flatten(made), strict=True):
        tensors[id(old)] = new


def _for_inference(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: False if name == "training" else value for name, value in kwargs.items()}
