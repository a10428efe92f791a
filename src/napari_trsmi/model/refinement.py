"""Local refinement: a linear view of each spot plus one of its neighbourhood."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from napari_trsmi.model.fused_graph import WeightedGraph


class LocalRefinement(nn.Module):
    """Z_loc = Z_base + α_loc Z_graph, 0 ≤ α_loc ≤ 1.

    Z_base is a linear projection of Z̃, Z_graph a linear layer on [self ‖ neighbour mean]. They
    start as the identity and as the neighbour mean.

    Parameters
    ----------
    d
        Embedding dimensions.
    local_gate
        Start of α_loc.
    """

    def __init__(self, d: int, *, local_gate: float) -> None:
        super().__init__()
        eye = torch.eye(d)
        self.base = nn.Parameter(eye.clone())
        self.graph = nn.Parameter(torch.cat([torch.zeros(d, d), eye]))
        self.raw_gate = nn.Parameter(start_gate(local_gate))

    def forward(self, z: Tensor, graph: WeightedGraph) -> Tensor:
        """Refine Z̃^m over Â^m; shapes (n, d)."""
        own, mean = self.graph.chunk(2)
        neighborhood = torch.addmm(z @ own, graph @ z, mean)
        return z @ self.base + self.raw_gate.sigmoid() * neighborhood


def start_gate(local_gate: float) -> Tensor:
    """The logit that α_loc starts at."""
    start = min(max(local_gate, 1e-4), 1 - 1e-4)
    return torch.tensor(math.log(start / (1 - start)))
