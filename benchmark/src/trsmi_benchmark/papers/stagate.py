"""STAGATE from its paper, on PyTorch Geometric: own code.

STAGATE (Dong & Zhang 2022, Nature Communications, doi 10.1038/s41467-022-29439-6) is a graph
attention autoencoder over the spatial graph, of two layers of encoder and two of decoder:

    h_i^1 = ELU( Σ_j a_ij W_1 x_j ),  z_i = W_2 h_i^1,
    a_ij = softmax_j( sigmoid( v_s·W_1 x_i + v_r·W_1 x_j ) ),

with the decoder's weights the encoder's transposed, its attention that of the encoder, and the
mean square error of x as loss; Adam 1e-3, weight decay 1e-4, gradients clipped at 5, 1,000 epochs,
dimensions 512 and 30.

It is made for one table: here it gets the components of all modalities side by side, each
modality scaled to the same norm. Its own domains come from mclust on z, so the common clustering
stands for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import softmax

from trsmi_benchmark.blocks import SPATIAL_NEIGHBORS, neighbor_graph, side_by_side
from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs

_HIDDEN, _DIMENSIONS = 512, 30
_LEARNING_RATE, _WEIGHT_DECAY, _CLIP = 1e-3, 1e-4, 5.0


class AttentionSum(MessagePassing):  # type: ignore[misc]  # the library has no types
    """Σ_j a_ij h_j over the neighbours j of each spot i."""

    def __init__(self) -> None:
        super().__init__(aggr="add", node_dim=0)

    def forward(self, h: Tensor, edges: Tensor, attention: Tensor) -> Tensor:
        """Propagate `h`, shape (n_spots, d), with one weight an edge."""
        summed: Tensor = self.propagate(edges, h=h, attention=attention)
        return summed

    def message(self, h_j: Tensor, attention: Tensor) -> Tensor:
        """What spot j sends."""
        return attention[:, None] * h_j


class STAGATE(nn.Module):
    """The autoencoder.

    Parameters
    ----------
    n_features
        Columns of x.
    """

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.empty(n_features, _HIDDEN))
        self.second = nn.Parameter(torch.empty(_HIDDEN, _DIMENSIONS))
        self.sends = nn.Parameter(torch.empty(_HIDDEN, 1))
        self.receives = nn.Parameter(torch.empty(_HIDDEN, 1))
        for weight in self.parameters():
            nn.init.xavier_normal_(weight, gain=1.414)
        self.spread = AttentionSum()

    def forward(self, x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        """z, shape (n_spots, 30), and the reconstruction of x."""
        h = x @ self.first
        source, target = edges
        to_each = torch.sigmoid(
            (h @ self.receives).index_select(0, target) + (h @ self.sends).index_select(0, source)
        )
        attention = softmax(to_each.squeeze(1), target, num_nodes=len(x))
        z = functional.elu(self.spread(h, edges, attention)) @ self.second
        back = functional.elu(self.spread(z @ self.second.T, edges, attention))
        return z, back @ self.first.T


def run(inputs: Inputs, *, epochs: int = 1000) -> Output:
    """Train on all spots at once.

    Parameters
    ----------
    inputs
        What every method gets.
    epochs
        How long.
    """
    torch.manual_seed(inputs.seed)
    x = torch.from_numpy(side_by_side(inputs.features).astype(np.float32))
    graph = neighbor_graph(inputs.coordinates, SPATIAL_NEIGHBORS)
    pairs = (graph + sp.eye_array(inputs.n_spots)).tocoo()
    edges = torch.from_numpy(np.stack([pairs.row, pairs.col]).astype(np.int64))
    network = STAGATE(x.shape[1])
    optimizer = torch.optim.Adam(
        network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    for epoch in range(epochs):
        loss = functional.mse_loss(network(x, edges)[1], x)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        optimizer.step()
        print(f"epoch {epoch + 1} of {epochs}", flush=True)  # a run may meet its limit
    with torch.no_grad():
        return Output(network(x, edges)[0].numpy())
