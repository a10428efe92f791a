"""Blocks of spots that are neighbours of none outside: a section, a tile, a rank's share.

Rows of all blocks lie one block after the other in one array, and their graphs side by side in one
block-diagonal graph, so that whatever works on a graph works on all blocks at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Blocks:
    """Where the rows of each block lie.

    Attributes
    ----------
    sizes
        Rows of each block, at least one block.
    """

    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def n_spots(self) -> int:
        """Rows of all blocks."""
        return sum(self.sizes)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Rows of each block."""
        ends = np.cumsum(self.sizes)
        return tuple(
            slice(int(end) - size, int(end)) for end, size in zip(ends, self.sizes, strict=True)
        )

    def rows(self, chosen: NDArray[np.bool_]) -> slice | NDArray[np.int64]:
        """Rows of the chosen blocks; all of them as one slice, which copies nothing."""
        if chosen.all():
            return slice(None)
        parts = [
            np.arange(s.start, s.stop) for s, yes in zip(self.slices, chosen, strict=True) if yes
        ]
        return np.concatenate(parts).astype(np.int64)

    def graph_of(self, graph: sp.csr_array, block: int) -> sp.csr_array:
        """One block's own part of a block-diagonal graph."""
        if len(self) == 1:
            return graph
        rows = self.slices[block]
        return sp.csr_array(graph[rows][:, rows])


def block_diagonal(graphs: Sequence[sp.csr_array]) -> sp.csr_array:
    """One graph of all blocks' graphs, without an edge between blocks."""
    joined = sp.csr_array(sp.block_diag(graphs, format="csr", dtype=graphs[0].dtype))
    joined.indices = joined.indices.astype(np.int32, copy=False)
    joined.indptr = joined.indptr.astype(np.int32, copy=False)
    return joined
