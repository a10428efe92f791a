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
from napari_trsmi.spots.portion import WHOLE, HeldPortion, Portion

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import NDArray


class LearnedFeatureGraph(nn.Module):
    """D^{-1/2} (ReLU(w) + I) D^{-1/2} over a fixed set of undirected edges.

    Parameters
    ----------
    graph
        Symmetric 0/1 graph without self loops.
    ema_decay
        Decay of the running mean that `regularizer` pulls the weights towards.
    portion
        Of the spots, whose rows these are. An edge between two processes has a weight in both,
        and `share_gradient` keeps the two the same.
    """

    def __init__(self, graph: sp.csr_array, ema_decay: float, portion: Portion = WHOLE) -> None:
        super().__init__()
        looped = add_self_loops(graph)
        self.pattern = Pattern.from_scipy(looped, symmetric=True, portion=portion)
        rows = self.pattern.rows.numpy()
        columns = self.pattern.columns.numpy()
        # Each undirected edge gets the number of its upper-triangle entry; loops come last.
        upper = rows < columns
        width = np.int64(self.pattern.width)
        key = np.minimum(rows, columns) * width + np.maximum(rows, columns)
        self.n_edges = int(upper.sum())
        edge = np.searchsorted(key[upper], key)
        edge[rows == columns] = self.n_edges
        self.edge: Tensor
        self.mean: Tensor
        self.register_buffer("edge", torch.from_numpy(edge), persistent=False)
        self._crossing, crosses = _crossing(rows[upper], columns[upper], portion)
        share = np.where(crosses, 0.5, 1.0)
        everywhere = float(portion.sum(np.array([share.sum()]))[0])
        self.share: Tensor
        self.register_buffer(
            "share", torch.from_numpy(share / everywhere).float(), persistent=False
        )
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
        """Mean over edges of (A_F - EMA(A_F))², a scalar; this process's part of it."""
        return (self.share * (self.weight.relu() - self.mean).square()).sum()

    def share_gradient(self) -> None:
        """Add up what both processes found for the weight of an edge between them."""
        gradient = self.weight.grad
        if not self._crossing or gradient is None:
            return
        ranks = self.pattern.portion.ranks
        places = [ranks.places(each, gradient) for each in self._crossing]
        theirs = ranks.exchange([gradient[each] for each in places])
        for each, values in zip(places, theirs, strict=True):
            gradient[each] += values

    @torch.no_grad()
    def update_mean(self) -> None:
        """Advance the running mean; once an epoch."""
        self.mean.lerp_(self.weight.relu(), 1.0 - self.ema_decay)


def _crossing(
    rows: NDArray[np.int64], columns: NDArray[np.int64], portion: Portion
) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """Undirected edges between processes: their numbers by the other one, in its order, too."""
    if not isinstance(portion, HeldPortion):
        return [], np.zeros(len(rows), dtype=bool)
    crosses = columns >= portion.n_own
    here, there = portion.start + rows, portion.positions(columns)
    owner = np.searchsorted(portion.bounds, there, side="right") - 1
    numbers = []
    for rank in range(portion.ranks.size):
        shared = np.flatnonzero(crosses & (owner == rank))
        one, other = here[shared], there[shared]
        order = np.lexsort((np.maximum(one, other), np.minimum(one, other)))
        numbers.append(shared[order])
    return numbers, crosses
