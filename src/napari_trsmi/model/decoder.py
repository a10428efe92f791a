"""Graph decoders: each modality's features from the neighbourhood's embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from napari_trsmi.model.fused_graph import WeightedGraph


class GraphDecoder(nn.Module):
    """F̂^m = A Z W_d^m.

    Parameters
    ----------
    d
        Embedding dimensions.
    n_features
        Columns of F^m.
    """

    def __init__(self, d: int, n_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(d, n_features))
        nn.init.xavier_uniform_(self.weight)

    @torch.no_grad()
    def start_from(
        self, z: Tensor, features: Tensor, graph: WeightedGraph, portion: Portion = WHOLE
    ) -> None:
        """Start W_d at the ridge regression of the features on the propagated embedding."""
        propagated = (graph @ z).cpu().double()
        gram = portion.sum(propagated.T @ propagated)
        ridge = 1e-3 * gram.diagonal().mean().clamp_min(1e-12)
        gram.diagonal().add_(ridge)
        products = portion.sum(propagated.T @ features.cpu().double())
        solution = portion.ranks.of_first(torch.linalg.solve(gram, products))
        self.weight.copy_(solution.to(self.weight))

    def forward(self, z: Tensor, graph: WeightedGraph) -> Tensor:
        """Reconstruct F^m, shape (n, n_features), from Z, shape (n, d)."""
        return graph @ (z @ self.weight)
