"""Fusion of the modalities into one embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROWS = 1 << 14
"""That are held in double precision at a time."""


class Fusion(nn.Module):
    """Z = MLP(Z_*^1 ‖ … ‖ Z_*^M), with a linear skip that it starts from.

    The last layer of the MLP starts at 0, so Z starts as the linear map alone.

    Parameters
    ----------
    n_modalities, d
        Number of inputs and their dimensions.
    hidden
        Whether there is an MLP beside the linear map.
    portion
        Of the spots, whose rows are fused.
    """

    def __init__(
        self, n_modalities: int, d: int, *, hidden: bool, portion: Portion = WHOLE
    ) -> None:
        super().__init__()
        self.portion = portion
        self.n_modalities = n_modalities
        self.skip = nn.Parameter(torch.eye(d).repeat(n_modalities, 1) / n_modalities)
        self.mlp: nn.Sequential | None = None
        if hidden:
            last = nn.Linear(d, d)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.mlp = nn.Sequential(nn.Linear(n_modalities * d, d), nn.GELU(), last)

    @torch.no_grad()
    def start_from(self, parts: Sequence[Tensor]) -> None:
        """Start the linear map at the principal axes of all modalities side by side.

        Unlike a mean, which adds columns that have nothing to do with each other, this keeps
        the most variance that d dimensions can.
        """

        def blocks() -> Iterator[Tensor]:
            for start in range(0, len(parts[0]), ROWS):
                rows = [part[start : start + ROWS] for part in parts]
                yield torch.cat(rows, dim=1).cpu().double()

        total: Tensor = sum(block.sum(dim=0) for block in blocks())  # type: ignore[assignment]
        mean = self.portion.sum(total) / self.portion.n_spots(len(parts[0]))
        centred = (block - mean for block in blocks())
        gram: Tensor = sum(block.T @ block for block in centred)  # type: ignore[assignment]
        _, vectors = torch.linalg.eigh(self.portion.sum(gram))
        d = self.skip.shape[1]
        axes = vectors.flip(1)[:, :d]
        # the sign that makes the largest entry positive: eigenvectors come with any
        largest = axes.abs().argmax(dim=0)
        axes = axes * axes[largest, torch.arange(axes.shape[1])].sign()
        self.skip.zero_()
        self.skip[:, : axes.shape[1]] = self.portion.ranks.of_first(axes).to(self.skip)

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """Fuse Z_*^m, each (n, d), into Z, (n, d)."""
        stacked = torch.cat(list(parts), dim=1)
        fused = stacked @ self.skip
        return fused if self.mlp is None else fused + self.mlp(stacked)

    @torch.no_grad()
    def shares(self, parts: Sequence[Tensor]) -> Tensor:
        """Share of each modality in each spot's fused vector.

        Returns
        -------
        Tensor
            Shape (n, n_modalities), rows sum to 1: ‖Z_*^m W_skip^m‖ over the sum of these.
        """
        blocks = self.skip.chunk(self.n_modalities)
        n = self.portion.n_spots(len(parts[0]))
        means = [self.portion.sum(part.sum(dim=0)) / n for part in parts]
        norms = torch.stack(
            [
                ((part - mean) @ block).norm(dim=1)
                for part, mean, block in zip(parts, means, blocks, strict=True)
            ],
            dim=1,
        )
        return norms / norms.sum(dim=1, keepdim=True).clamp_min(1e-12)
