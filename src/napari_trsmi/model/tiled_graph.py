"""A fused graph that is never whole: its rows are made a tile at a time, where they are multiplied.

The graphs that it is mixed of are held anyway. What their mixture would take, three times as much
at two modalities, is made anew for every product, in time in proportion to the edges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch

from napari_trsmi.spots.portion import WHOLE, Portion
from napari_trsmi.spots.tiles import tiles_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class TiledGraph:
    """Σ_i f_i Â_i, symmetrically normalised again if there is a `scale`.

    Attributes
    ----------
    graphs
        A_i, symmetric, without self loops.
    scales
        D^{-1/2} of each A_i + I, from `loop_scale`.
    factors
        f_i.
    tiles
        In how many the rows are made.
    scale
        D^{-1/2} of the mixture; None to leave it as it is.
    portion
        Of the spots, whose rows these are; the scales are also its halo's.
    """

    graphs: Sequence[sp.csr_array]
    scales: Sequence[NDArray[np.float32]]
    factors: Sequence[float]
    tiles: int
    scale: NDArray[np.float32] | None = None
    portion: Portion = WHOLE

    def normalized(self) -> TiledGraph:
        """The same with its degrees taken out."""
        parts = tiles_of(self.graphs[0].shape[0], self.tiles)
        degrees = np.concatenate([self.rows(part).sum(axis=1) for part in parts])
        scale = (1 / np.sqrt(np.maximum(degrees, _LEAST))).astype(np.float32)
        return replace(self, scale=self.portion.around(scale))

    def rows(self, part: slice) -> sp.csr_array:
        """A tile's rows."""
        width = self.graphs[0].shape[1]
        loops = sp.csr_array(
            (
                np.ones(part.stop - part.start, dtype=np.float32),
                np.arange(part.start, part.stop, dtype=np.int32),
                np.arange(part.stop - part.start + 1, dtype=np.int32),
            ),
            shape=(part.stop - part.start, width),
        )
        total = None
        for graph, scale, factor in zip(self.graphs, self.scales, self.factors, strict=True):
            own = _scaled(graph[part] + loops, scale, part, np.float32(factor))
            total = own if total is None else total + own
        assert total is not None  # noqa: S101
        return total if self.scale is None else _scaled(total, self.scale, part, np.float32(1))

    def __matmul__(self, dense: Tensor) -> Tensor:
        """Propagate node features, shape (n, d), on the CPU."""
        out, nearby = torch.empty_like(dense), self.portion.around(dense)
        for part in tiles_of(len(dense), self.tiles):
            rows = self.rows(part)
            matrix = torch.sparse_csr_tensor(
                torch.from_numpy(rows.indptr),
                torch.from_numpy(rows.indices),
                torch.from_numpy(rows.data),
                rows.shape,
                check_invariants=False,
            )
            torch.mm(matrix, nearby, out=out[part])
        return out

    def polynomial(self, dense: Tensor, coefficients: Sequence[float]) -> Tensor:
        """Σ_i c_i Aⁱ X by Horner's rule."""
        total = coefficients[-1] * dense
        for coefficient in coefficients[-2::-1]:
            total = (self @ total).add_(dense, alpha=coefficient)
        return total


def loop_scale(graph: sp.csr_array) -> NDArray[np.float32]:
    """D^{-1/2} of a graph with a self loop of weight 1 on every spot."""
    scale: NDArray[np.float32] = 1 / np.sqrt(graph.sum(axis=1, dtype=np.float32) + 1)
    return scale.astype(np.float32)


def _scaled(
    graph: sp.csr_array, scale: NDArray[np.float32], part: slice, factor: np.float32
) -> sp.csr_array:
    own = np.repeat(scale[part], np.diff(graph.indptr))
    graph.data *= factor * own * scale[graph.indices]
    return graph
