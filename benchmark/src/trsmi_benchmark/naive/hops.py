"""Hops 0 to 3 side by side: CellCharter's aggregation (Varrone et al. 2024), without its package.

Each spot's features stand beside their means over the spots that are exactly one, two and three
steps away in the spatial graph, so that the clustering can tell a spot from what surrounds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from trsmi_benchmark.blocks import SPATIAL_NEIGHBORS, mean_over, neighbor_graph, side_by_side
from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trsmi_benchmark.exchange import Inputs


def side_by_side_hops(inputs: Inputs, *, hops: int = 3) -> Output:
    """All modalities and their means over each ring of neighbours, side by side."""
    z = side_by_side(inputs.features)
    graph = neighbor_graph(inputs.coordinates, SPATIAL_NEIGHBORS)
    rings = [mean_over(ring, itself=False) @ z for ring in _rings(graph, hops)]
    return Output(np.hstack([z, *rings]))


def _rings(graph: sp.csr_array, hops: int) -> Iterator[sp.csr_array]:
    """0/1 matrices of the spots that are exactly 1, 2, ... steps away."""
    seen = sp.csr_array(sp.eye_array(graph.shape[0]))
    ring = graph
    for _ in range(hops):
        yield ring
        seen = _marked(seen + ring)
        reached = _marked(ring @ graph)
        ring = sp.csr_array(reached - reached.multiply(seen))
        ring.eliminate_zeros()


def _marked(matrix: sp.csr_array) -> sp.csr_array:
    """1 wherever a matrix is not 0."""
    marked = sp.csr_array(matrix)
    marked.data = np.ones_like(marked.data)
    return marked
