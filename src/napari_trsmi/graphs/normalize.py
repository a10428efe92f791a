"""Degree normalisation of a symmetric graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from napari_trsmi.graphs.products import around
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_trsmi.graphs.pattern import Pattern

_ROWS = 1 << 16
"""Whose edges are numbered at a time."""


def add_self_loops(graph: sp.csr_array) -> sp.csr_array:
    """The graph with a self loop of weight 1 on every spot."""
    looped = (graph + sp.eye_array(*graph.shape, dtype=graph.dtype, format="csr")).tocsr()
    looped.sort_indices()
    return looped


def row_normalized(graph: sp.csr_array) -> sp.csr_array:
    """D⁻¹ A: each row sums to 1 (rows without neighbours stay 0)."""
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    inverse = np.divide(1.0, degrees, out=np.zeros_like(degrees), where=degrees > 0)
    return sp.csr_array(sp.diags_array(inverse) @ graph)


def symmetric_normalized(
    graph: sp.csr_array, *, portion: Portion = WHOLE, eps: float = 1e-12
) -> sp.csr_array:
    """`symmetric_normalize` of a graph that nothing is learned of, some rows at a time.

    Parameters
    ----------
    graph
        Symmetric, ``float32``, weights not negative. Not changed.
    portion
        Of the spots, whose rows these are.
    eps
        As for `symmetric_normalize`.
    """
    n = graph.shape[0]
    data, columns = torch.from_numpy(graph.data), torch.from_numpy(graph.indices)
    counts = torch.from_numpy(np.diff(graph.indptr))
    scale = torch.zeros(n, dtype=data.dtype)
    values = torch.empty_like(data)

    def blocks() -> Iterator[tuple[slice, Tensor]]:
        for start in range(0, n, _ROWS):
            size = min(_ROWS, n - start)
            edges = slice(int(graph.indptr[start]), int(graph.indptr[start + size]))
            numbers = torch.arange(start, start + size)
            yield edges, torch.repeat_interleave(numbers, counts[start : start + size])

    for edges, rows in blocks():
        scale.index_add_(0, rows, data[edges])
    scale = portion.around(scale.clamp_min(eps).rsqrt())
    for edges, rows in blocks():
        left, right = scale.index_select(0, rows), scale.index_select(0, columns[edges])
        torch.mul(data[edges], left * right, out=values[edges])
    return sp.csr_array((values.numpy(), graph.indices, graph.indptr), shape=graph.shape)


def symmetric_normalize(pattern: Pattern, weights: Tensor, *, eps: float = 1e-12) -> Tensor:
    """D^{-1/2} A D^{-1/2}, differentiable in the weights.

    Parameters
    ----------
    pattern
        Symmetric pattern of A.
    weights
        Non-negative values of A in CSR order, shape (nnz,).
    eps
        Smallest degree, for rows whose weights are all 0.

    Returns
    -------
    Tensor
        Values of the normalised matrix in CSR order, shape (nnz,). Its spectral norm is at
        most 1.
    """
    degrees = weights.new_zeros(pattern.n).index_add(0, pattern.rows, weights)
    scale = degrees.clamp_min(eps).rsqrt()
    # index_select's gradient is index_add, far faster than that of indexing on the CPU
    left = scale.index_select(0, pattern.rows)
    right = around(pattern.portion, scale).index_select(0, pattern.columns)
    return torch.mul(weights, left * right)
