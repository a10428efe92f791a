"""Prototypes: learnable domain centres and the loss that draws spots to them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class Prototypes(nn.Module):
    """Unit vectors c_k with the loss of PRAGA's equation for dynamic prototypes.

    L = (1/K) Σ_k -log( E_{i ∈ I_k} exp(⟨z_i, c_k⟩/τ) / E_j exp(⟨z_j, c_k⟩/τ) ),

    I_k the spots whose nearest prototype is c_k, z_i of unit length.

    Parameters
    ----------
    centers
        Start of the prototypes, shape (K, d).
    temperature
        τ.
    """

    def __init__(self, centers: Tensor, *, temperature: float) -> None:
        super().__init__()
        self.centers = nn.Parameter(functional.normalize(centers, dim=1))
        self.temperature = temperature

    def forward(self, z: Tensor) -> Tensor:
        """The loss, a scalar; `z` has shape (n, d). Prototypes without spots do not count."""
        centers = functional.normalize(self.centers, dim=1)
        logits = functional.normalize(z, dim=1) @ centers.T / self.temperature
        nearest = functional.one_hot(logits.argmax(dim=1), len(centers)).bool()
        counts = nearest.sum(dim=0)
        members = logits.masked_fill(~nearest, -torch.inf)[:, counts > 0]
        inside = members.logsumexp(dim=0) - counts[counts > 0].log()
        everywhere = logits[:, counts > 0].logsumexp(dim=0) - math.log(len(z))
        return (everywhere - inside).mean()
