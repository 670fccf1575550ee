"""Pruning by magnitude (Han et al. 2015, arXiv:1506.02626): the smallest weights of each layer become zero.

It makes a file smaller once compressed (a download, a bundle), not on disk and not faster: neither
runtime skips zeros in int8. The conversion measures what it costs.
"""

import keras
import numpy as np

from convert.graph import Array, Graph

_PRUNED = (keras.layers.Conv2D, keras.layers.Dense)


def prune_graph(graph: Graph, sparsity: float) -> None:
    """Set the share `sparsity` of the weights of every convolution and dense layer to zero, in place."""
    for step in graph.steps:
        if isinstance(step.operation, _PRUNED) and sparsity:
            step.weights[0] = prune(step.weights[0], sparsity)


def prune(kernel: Array, sparsity: float) -> Array:
    """The weights without the smallest ones, compared within their output channel."""
    magnitudes = np.abs(kernel)
    threshold = np.quantile(magnitudes, sparsity, axis=tuple(range(kernel.ndim - 1)), keepdims=True)
    return np.where(magnitudes < threshold, np.float32(0), kernel)
