"""BANKSY (Singhal et al. 2024, Nature Genetics), package ``pybanksy``.

Each spot's features beside their mean over 15 neighbours and the azimuthal Gabor filter, weighted
for domains (lambda .8), then 20 principal components and Leiden, whose resolution the package
searches for the number of domains: its authors' settings for domain segmentation. It gets the
modalities' components side by side where its tutorials have scaled genes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData
from banksy.cluster_methods import run_Leiden_partition
from banksy.embed_banksy import generate_banksy_matrix
from banksy.initialize_banksy import initialize_banksy
from banksy_utils.umap_pca import pca_umap

from trsmi_benchmark.blocks import side_by_side
from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs

_NEIGHBORS, _DECAY, _ORDER = 15, "scaled_gaussian", 1
_LAMBDA, _COMPONENTS = 0.8, 20


def run(inputs: Inputs) -> Output:
    """Augment by neighbourhoods, reduce and cluster."""
    features = side_by_side(inputs.features)
    spots = pd.DataFrame(inputs.coordinates, columns=["x", "y"]).set_axis(
        [f"spot_{place}" for place in range(inputs.n_spots)]
    )
    table = AnnData(X=features, obs=spots)
    table.obsm["spatial"] = inputs.coordinates
    graphs = initialize_banksy(
        table,
        ("x", "y", "spatial"),
        num_neighbours=_NEIGHBORS,
        nbr_weight_decay=_DECAY,
        max_m=_ORDER,
        plt_edge_hist=False,
        plt_nbr_weights=False,
        plt_theta=False,
    )
    made, _ = generate_banksy_matrix(table, graphs, [_LAMBDA], _ORDER, verbose=False)
    pca_umap(made, pca_dims=[_COMPONENTS], plt_remaining_var=False, add_umap=False)
    found, _ = run_Leiden_partition(
        made,
        resolutions=[],
        partition_seed=inputs.seed,
        match_labels=False,
        max_labels=inputs.n_domains,
    )
    domains = np.asarray(found.iloc[0]["labels"].dense, dtype=np.int64)
    n_found = len(np.unique(domains))
    notes = () if n_found == inputs.n_domains else (f"It found {n_found} domains.",)
    embedding = made[_DECAY][_LAMBDA]["adata"].obsm[f"reduced_pc_{_COMPONENTS}"]
    return Output(np.asarray(embedding), domains, notes)
