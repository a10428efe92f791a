"""Tiles: parts of the spots that are worked on one after the other, so that less is held at once.

Spots lie so that neighbours are near each other in memory, and a tile is a run of them. Sums over
tiles are the sums over all spots, and with its halo, the neighbours of its spots, a tile has all
that a product with a graph takes: the result is that of all spots at once, but for rounding.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tiles_of(n_spots: int, tiles: int) -> list[slice]:
    """Rows of each tile, about as many in each; no more tiles than spots.

    Parameters
    ----------
    n_spots
        1 or more.
    tiles
        How many.
    """
    size = ceil(n_spots / tiles)
    return [slice(start, min(start + size, n_spots)) for start in range(0, n_spots, size)]


def with_halo(graph: sp.csr_array, rows: slice) -> tuple[slice | NDArray[np.integer], sp.csr_array]:
    """What a tile's rows of a graph take: its own spots need not be among them.

    Parameters
    ----------
    graph
        Shape (n_spots, n_spots).
    rows
        Of the tile.

    Returns
    -------
    spots
        Those that the tile's rows have edges to, increasing; all of them, as a slice that copies
        nothing, if the tile is all there is.
    own
        The tile's rows, over those spots alone.
    """
    if rows.stop - rows.start == graph.shape[0]:
        return slice(None), graph
    edges = slice(graph.indptr[rows.start], graph.indptr[rows.stop])
    spots, columns = np.unique(graph.indices[edges], return_inverse=True)
    pointers = graph.indptr[rows.start : rows.stop + 1] - graph.indptr[rows.start]
    own = sp.csr_array(
        (graph.data[edges], columns.astype(np.int32), pointers),
        shape=(rows.stop - rows.start, len(spots)),
    )
    return spots, own
