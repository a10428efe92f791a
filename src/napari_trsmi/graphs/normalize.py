"""Degree normalisation of a symmetric graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

if TYPE_CHECKING:
    from napari_trsmi.graphs.pattern import Pattern


def add_self_loops(graph: sp.csr_array) -> sp.csr_array:
    """The graph with a self loop of weight 1 on every spot."""
    looped = (graph + sp.eye_array(graph.shape[0], dtype=graph.dtype, format="csr")).tocsr()
    looped.sort_indices()
    return looped


def row_normalized(graph: sp.csr_array) -> sp.csr_array:
    """D⁻¹ A: each row sums to 1 (rows without neighbours stay 0)."""
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    inverse = np.divide(1.0, degrees, out=np.zeros_like(degrees), where=degrees > 0)
    return sp.csr_array(sp.diags_array(inverse) @ graph)


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
    right = scale.index_select(0, pattern.columns)
    return torch.mul(weights, left * right)
