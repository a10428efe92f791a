"""Multi-scale APPNP diffusion, all scales at once by Horner's rule.

Personalised propagation (Gasteiger et al. 2019), H_0 = X, H_{i+1} = (1-α) Â H_i + α X, is a
polynomial in Â:

    APPNP(Â, X; K, α) = Σ_{i<K} α (1-α)^i Âⁱ X + (1-α)^K Â^K X.

A linear map of the scales side by side is therefore one polynomial with matrix coefficients
C_i = Σ_s a_{s,i} W_s, evaluated as X C_0 + Â (X C_1 + Â (X C_2 + …)): max K sparse products of d
columns instead of Σ K, and no concatenation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_trsmi.graphs.products import polynomial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_trsmi.model.fused_graph import WeightedGraph


class MultiScaleAPPNP(nn.Module):
    """Z_g = Linear(‖_s APPNP(Â_g, X; K_s, α_s)).

    Parameters
    ----------
    d
        Embedding dimensions.
    steps
        K_s, one a scale.
    teleports
        α_s, one a scale, in (0, 1).
    """

    def __init__(self, d: int, *, steps: Sequence[int], teleports: Sequence[float]) -> None:
        super().__init__()
        scales = len(steps)
        # the linear layer starts as the mean over the scales
        self.weight = nn.Parameter(torch.eye(d).repeat(scales, 1, 1) / scales)
        self.bias = nn.Parameter(torch.zeros(d))
        # no buffer: MPS has no float64
        self.coefficients = appnp_coefficients(steps, teleports)

    def forward(self, x: Tensor, graph: WeightedGraph) -> Tensor:
        """Diffuse X over Â_g; shapes (n, d)."""
        coefficients = self.coefficients.to(x.dtype).to(x.device)
        matrices = torch.einsum("si,sde->ide", coefficients, self.weight)
        return polynomial(graph.pattern, graph.values, x, matrices) + self.bias


def appnp_coefficients(steps: Sequence[int], teleports: Sequence[float]) -> Tensor:
    """Coefficients a_{s,i} of Âⁱ in each scale's APPNP.

    Returns
    -------
    Tensor
        ``float64``, shape (n_scales, max K + 1); rows sum to 1.
    """
    table = torch.zeros(len(steps), max(steps) + 1, dtype=torch.float64)
    for row, k, teleport in zip(table, steps, teleports, strict=True):
        powers = (1 - teleport) ** torch.arange(k + 1, dtype=torch.float64)
        row[: k + 1] = teleport * powers
        row[k] = powers[k]
    return table
