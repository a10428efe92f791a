"""Prototypes: learnable domain centres and the loss that draws spots to them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_trsmi.graphs.products import total
from napari_trsmi.spots.portion import WHOLE, Portion


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
    portion
        Of the spots, whose rows are drawn to them.
    """

    def __init__(self, centers: Tensor, *, temperature: float, portion: Portion = WHOLE) -> None:
        super().__init__()
        self.portion = portion
        self.centers = nn.Parameter(functional.normalize(centers, dim=1))
        self.temperature = temperature

    def forward(self, z: Tensor) -> Tensor:
        """The loss, a scalar, or this process's part of it; `z` has shape (n, d).

        Prototypes without spots do not count.
        """
        portion = self.portion
        centers = functional.normalize(self.centers, dim=1)
        logits = functional.normalize(z, dim=1) @ centers.T / self.temperature
        nearest = functional.one_hot(logits.argmax(dim=1), len(centers)).bool()
        counts = portion.sum(nearest.sum(dim=0))
        members = logits.masked_fill(~nearest, -torch.inf)[:, counts > 0]
        inside = self._log_sum(members) - counts[counts > 0].log()
        everywhere = self._log_sum(logits[:, counts > 0]) - math.log(portion.n_spots(len(z)))
        return (everywhere - inside).mean() / portion.ranks.size

    def _log_sum(self, logits: Tensor) -> Tensor:
        """Log of the sum of exponentials over the spots of all processes."""
        largest = self.portion.all_rows(logits.detach().amax(dim=0, keepdim=True)).amax(dim=0)
        return largest + total(self.portion, (logits - largest).exp().sum(dim=0)).log()
