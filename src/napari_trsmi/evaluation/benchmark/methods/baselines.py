"""Baselines that train nothing: the features as they are, or averaged in space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.data.dataset import Kind
from napari_trsmi.evaluation.benchmark.exchange import Output
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.graphs.normalize import add_self_loops, row_normalized

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_trsmi.evaluation.benchmark.exchange import Inputs

SPATIAL_NEIGHBORS = 6


def one_modality(inputs: Inputs, *, kind: str) -> Output:
    """One modality alone."""
    return Output(side_by_side([inputs.block(Kind(kind)).features]))


def concatenated(inputs: Inputs, *, hops: int = 0) -> Output:
    """All modalities side by side, averaged over each spot and its spatial neighbours."""
    z = side_by_side(inputs.features)
    if hops:
        k = min(SPATIAL_NEIGHBORS, inputs.n_spots - 1)
        graph = row_normalized(add_self_loops(spatial_graph(inputs.coordinates, k)))
        for _ in range(hops):
            z = graph @ z
    return Output(z)


def side_by_side(blocks: Iterable[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Blocks centred, each scaled to the same norm, and joined."""
    scaled = []
    for block in blocks:
        centred = np.asarray(block, dtype=np.float64)
        centred = centred - centred.mean(axis=0)
        scaled.append(centred / max(float(np.linalg.norm(centred)), 1e-12))
    # of unit mean square, so that nothing downstream meets tiny numbers
    joined: NDArray[np.float64] = np.hstack(scaled) * np.sqrt(len(scaled[0]))
    return joined
