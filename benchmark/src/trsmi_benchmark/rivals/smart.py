"""SMART (Du et al. 2025), package ``bio-smart``.

A graph autoencoder for each modality, fused, with a triplet loss on mutual nearest neighbours; the
package's defaults, a spatial graph of 4 neighbours and 64 dimensions as in its tutorials. Its own
domains are mclust's EEE; R is not here, and the common clustering is the same mixture.

The package pins torch 2.4.1 and wants R's bridge rpy2, which it imports for mclust alone: it is
installed without its dependencies, beside present ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from smart.build_graph import Cal_Spatial_Net
from smart.MNN import Mutual_Nearest_Neighbors
from smart.train import train_SMART
from smart.utils import set_seed

from trsmi_benchmark.exchange import Output
from trsmi_benchmark.rivals.tables import feature_table, rna_first

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs

_NEIGHBORS, _DIMENSIONS, _NEAREST = 4, 64, 3


def run(inputs: Inputs) -> Output:
    """Build graphs and triplets, and train."""
    set_seed(inputs.seed)
    features, edges, triplets = [], [], []
    for block in rna_first(inputs):
        table = feature_table(inputs, block)
        scaled = block.features / np.sqrt(np.mean(block.features**2))
        table.obsm["feat"] = np.ascontiguousarray(scaled, dtype=np.float32)
        Cal_Spatial_Net(table, model="KNN", n_neighbors=_NEIGHBORS, verbose=False)
        features.append(torch.from_numpy(table.obsm["feat"]))
        edges.append(torch.from_numpy(table.uns["edgeList"].astype(np.int64)))
        triplets.append(Mutual_Nearest_Neighbors(table, key="feat", n_nearest_neighbors=_NEAREST))
    cpu = torch.device("cpu")
    model = train_SMART(
        features,
        edges,
        triplets,
        weights=[1] * (2 * len(features)),
        emb_dim=_DIMENSIONS,
        device=cpu,
    )
    model.eval()
    with torch.no_grad():
        embedding, _ = model(features, edges)
    return Output(embedding.numpy().astype(np.float64))
