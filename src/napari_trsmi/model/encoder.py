"""Residual near-identity encoder with propagation (RPR)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from napari_trsmi.model.fused_graph import WeightedGraph


class Encoder(nn.Module):
    """H = F W_e;  Z = Â (H + α Δ(H)).

    One layer on purpose. Δ is linear and starts at 0 while its gate α does not, so both get a
    gradient. With `residual` off this is the plain linear graph convolution Â F W_e.

    Parameters
    ----------
    projection
        Start of W_e, shape (n_features, d).
    residual
        Whether the residual branch is on.
    residual_gate
        Start of α.
    normalize
        Whether rows are scaled to length 1 before and after propagation (with `residual`).
    """

    def __init__(
        self, projection: Tensor, *, residual: bool, residual_gate: float, normalize: bool
    ) -> None:
        super().__init__()
        self.projection = nn.Parameter(projection.clone())
        self.residual = residual
        self.normalize = normalize
        if residual:
            d = projection.shape[1]
            self.delta = nn.Linear(d, d)
            nn.init.zeros_(self.delta.weight)
            nn.init.zeros_(self.delta.bias)
            self.gate = nn.Parameter(torch.tensor(residual_gate))

    def forward(self, features: Tensor, graph: WeightedGraph) -> Tensor:
        """Encode one modality.

        Parameters
        ----------
        features
            F^m, shape (n, n_features).
        graph
            Â^m.

        Returns
        -------
        Tensor
            Z^m, shape (n, d).
        """
        hidden: Tensor = features @ self.projection
        if not self.residual:
            return graph @ hidden
        hidden = hidden + self.gate * self.delta(hidden)
        if not self.normalize:
            return graph @ hidden
        return functional.normalize(graph @ functional.normalize(hidden, dim=1), dim=1)


def start_projection(features: Tensor, d: int, portion: Portion = WHOLE) -> Tensor:
    """Near-identity start of W_e: the first d principal axes, padded with zeros.

    Components come ordered by variance, so this is the identity up to rotation when they fit.
    """
    n_features = features.shape[1]
    if n_features <= d:
        return torch.eye(n_features, d)
    sample = features.cpu().double()
    _, vectors = torch.linalg.eigh(portion.sum(sample.T @ sample))
    axes: Tensor = vectors.flip(1)[:, :d].float()
    return portion.ranks.of_first(axes)
