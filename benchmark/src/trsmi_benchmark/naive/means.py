"""The features as they are, and averaged in space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trsmi_benchmark.blocks import SPATIAL_NEIGHBORS, mean_over, neighbor_graph, side_by_side
from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs, Kind


def one_modality(inputs: Inputs, *, kind: Kind) -> Output:
    """One modality alone."""
    return Output(side_by_side([inputs.block(kind).features]))


def concatenated(inputs: Inputs, *, hops: int = 0) -> Output:
    """All modalities side by side, averaged over each spot and its spatial neighbours."""
    z = side_by_side(inputs.features)
    mean = mean_over(neighbor_graph(inputs.coordinates, SPATIAL_NEIGHBORS), itself=True)
    for _ in range(hops):
        z = mean @ z
    return Output(z)
