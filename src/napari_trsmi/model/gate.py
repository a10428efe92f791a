"""The scheduled gate between local detail and global structure."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class ScheduledGate(nn.Module):
    """Z_* = (1 - β_t) Z_loc + β_t Z_g,  β_t = σ(b) · s(t).

    b is learned; s falls along a cosine from 1 to its floor over training, so that global
    structure comes first and local boundaries last. Without the schedule s is 1 throughout.

    Parameters
    ----------
    logit
        Start of b.
    floor
        s at the end of training.
    scheduled
        Whether s falls.
    """

    def __init__(self, *, logit: float, floor: float, scheduled: bool) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(logit))
        self.floor = floor
        self.scheduled = scheduled

    def beta(self, progress: float) -> Tensor:
        """β_t at a fraction of training in [0, 1]."""
        scale = 1.0
        if self.scheduled:
            scale = self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress)) / 2
        return self.logit.sigmoid() * scale

    def forward(self, local: Tensor, diffused: Tensor, progress: float) -> Tensor:
        """Mix Z_loc and Z_g, shapes (n, d)."""
        return torch.lerp(local, diffused, self.beta(progress))
