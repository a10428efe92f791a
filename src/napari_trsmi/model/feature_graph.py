"""The learned feature graph A_F: one weight per undirected k-NN edge (METHOD: graphs).

O(k n) parameters where the dense form of PRAGA holds n² of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from napari_trsmi.graphs.normalize import add_self_loops, symmetric_normalize
from napari_trsmi.graphs.pattern import Pattern

if TYPE_CHECKING:
    import scipy.sparse as sp


class LearnedFeatureGraph(nn.Module):
    """D^{-1/2} (ReLU(w) + I) D^{-1/2} over a fixed set of undirected edges.

    Parameters
    ----------
    graph
        Symmetric 0/1 graph without self loops.
    ema_decay
        Decay of the running mean that `regularizer` pulls the weights towards.
    """

    def __init__(self, graph: sp.csr_array, ema_decay: float) -> None:
        super().__init__()
        looped = add_self_loops(graph)
        self.pattern = Pattern.from_scipy(looped, symmetric=True)
        rows = self.pattern.rows.numpy()
        columns = self.pattern.columns.numpy()
        # Each undirected edge gets the number of its upper-triangle entry; loops come last.
        upper = rows < columns
        key = np.minimum(rows, columns) * np.int64(self.pattern.n) + np.maximum(rows, columns)
        self.n_edges = int(upper.sum())
        edge = np.searchsorted(key[upper], key)
        edge[rows == columns] = self.n_edges
        self.edge: Tensor
        self.mean: Tensor
        self.register_buffer("edge", torch.from_numpy(edge), persistent=False)
        self.weight = nn.Parameter(torch.ones(self.n_edges))
        self.register_buffer("mean", torch.ones(self.n_edges))
        self.ema_decay = ema_decay

    def to_device(self, device: torch.device) -> LearnedFeatureGraph:
        """Move the index arrays along with the parameters."""
        self.pattern = self.pattern.to(device)
        return self.to(device)

    def forward(self) -> Tensor:
        """Values of the normalised graph in CSR order, shape (nnz,)."""
        weights = torch.cat([self.weight.relu(), self.weight.new_ones(1)])
        return symmetric_normalize(self.pattern, weights.index_select(0, self.edge))

    def regularizer(self) -> Tensor:
        """Mean over edges of (A_F - EMA(A_F))², a scalar."""
        return (self.weight.relu() - self.mean).square().mean()

    @torch.no_grad()
    def update_mean(self) -> None:
        """Advance the running mean; once an epoch."""
        self.mean.lerp_(self.weight.relu(), 1.0 - self.ema_decay)
