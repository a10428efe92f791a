"""SpatialLeiden (Müller-Bötticher et al. 2025, Genome Biology), package ``spatialleiden``.

Leiden over several layers at once: one graph of 15 neighbours for each modality, as scanpy makes
them, and one of space (10 neighbours, weights by distance). It has domains only, no embedding.
The package chooses no resolution for several modalities, so the adapter bisects the one resolution
of all layers until the number of domains is reached, or comes as near as it gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scanpy as sc
import spatialleiden
from sklearn.neighbors import kneighbors_graph

from trsmi_benchmark.exchange import Output
from trsmi_benchmark.rivals.tables import feature_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trsmi_benchmark.exchange import Inputs

_SPATIAL_NEIGHBORS = 10
_STEPS = 20
_LOW, _HIGH = 0.01, 5.0


def run(inputs: Inputs) -> Output:
    """Cluster all layers together."""
    layers = []
    for block in inputs.blocks:
        table = feature_table(inputs, block)
        # exact: what scanpy 1.11 takes by default from 8,192 spots fails with pynndescent 0.7
        sc.pp.neighbors(table, use_rep="feat", transformer="sklearn", random_state=inputs.seed)
        layers.append(table.obsp["connectivities"])
    near = min(_SPATIAL_NEIGHBORS, inputs.n_spots - 1)
    distances = kneighbors_graph(inputs.coordinates, near, mode="distance")
    layers.append(spatialleiden.distance2connectivity(distances))

    def at(resolution: float) -> NDArray[np.int64]:
        found = spatialleiden.multiplex_leiden(
            *layers,
            directed=[False] * len(inputs.blocks) + [True],
            layer_weights=[1.0] * len(layers),
            partition_kwargs=[{"resolution_parameter": resolution} for _ in layers],
            random_state=inputs.seed,
        )
        return np.asarray(found, dtype=np.int64)

    low, high = _LOW, _HIGH
    best = at(1.0)
    for _ in range(_STEPS):
        if len(np.unique(best)) == inputs.n_domains:
            break
        middle = (low + high) / 2
        found = at(middle)
        if _off(found, inputs) < _off(best, inputs):
            best = found
        if len(np.unique(found)) < inputs.n_domains:
            low = middle
        else:
            high = middle
    n_found = len(np.unique(best))
    notes = () if n_found == inputs.n_domains else (f"It found {n_found} domains.",)
    return Output(domains=best, notes=notes)


def _off(domains: NDArray[np.int64], inputs: Inputs) -> int:
    return abs(len(np.unique(domains)) - inputs.n_domains)
