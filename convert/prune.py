"""Pruning by magnitude (Han et al. 2015, arXiv:1506.02626): the smallest weights of each layer become zero.

This makes a compressed file smaller (a download, a bundle), but neither the file on disk nor the latency: no
runtime skips zeros in int8. The conversion measures the cost in accuracy.
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
    """Set the smallest weights to zero, compared within their output channel."""
    magnitudes = np.abs(kernel)
    threshold = np.quantile(magnitudes, sparsity, axis=tuple(range(kernel.ndim - 1)), keepdims=True)
    return np.where(magnitudes < threshold, np.float32(0), kernel)
