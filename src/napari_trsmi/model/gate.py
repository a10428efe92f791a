"""The scheduled gate between local detail and global structure."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class ScheduledGate(nn.Module):
    """Z_* = (1 - β_t) Z_loc + β_t Z_g,  β_t = σ(b) · s(t).

    b is learned; s falls along a cosine from 1 to its end over training, so that global
    structure comes first and local boundaries last. Without the schedule s is 1 throughout.

    Parameters
    ----------
    logit
        Start of b.
    end
        s at the end of training, in [0, 1].
    scheduled
        Whether s falls.
    """

    def __init__(self, *, logit: float, end: float, scheduled: bool) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(logit))
        self.end = end
        self.scheduled = scheduled

    def beta(self, progress: float) -> Tensor:
        """β_t at a fraction of training in [0, 1]."""
        scale = 1.0
        if self.scheduled:
            scale = self.end + (1 - self.end) * (1 + math.cos(math.pi * progress)) / 2
        return self.logit.sigmoid() * scale

    def forward(self, local: Tensor, diffused: Tensor, progress: float) -> Tensor:
        """Mix Z_loc and Z_g, shapes (n, d)."""
        return torch.lerp(local, diffused, self.beta(progress))
