"""SpatialGlue (Long et al. 2024, Nature Methods), packages ``SpatialGlue`` and ``spatialglue-3m``.

The package's settings by technology: ``Spatial-epigenome-transcriptome`` with chromatin, ``SPOTS``
otherwise. Its own domains come from R's mclust, which is not here, so it has the common clustering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from trsmi_benchmark.exchange import Output
from trsmi_benchmark.rivals.tables import feature_table, rna_first

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs


def run_two(inputs: Inputs) -> Output:
    """Two modalities."""
    from SpatialGlue.preprocess import construct_neighbor_graph, fix_seed
    from SpatialGlue.SpatialGlue_pyG import Train_SpatialGlue

    blocks = rna_first(inputs)
    chromatin = any(block.kind == "chromatin" for block in blocks)
    technology = "Spatial-epigenome-transcriptome" if chromatin else "SPOTS"
    fix_seed(inputs.seed)
    data = construct_neighbor_graph(
        *(feature_table(inputs, block) for block in blocks), datatype=technology
    )
    model = Train_SpatialGlue(data, datatype=technology, device=torch.device("cpu"))
    return Output(model.train()["SpatialGlue"])


def run_three(inputs: Inputs) -> Output:
    """Three modalities."""
    from SpatialGlue_3M.preprocess import construct_neighbor_graph, fix_seed
    from SpatialGlue_3M.SpatialGlue_pyG import Train_SpatialGlue

    fix_seed(inputs.seed)
    data = construct_neighbor_graph(*(feature_table(inputs, b) for b in rna_first(inputs)))
    model = Train_SpatialGlue(data, datatype="Triplet", device=torch.device("cpu"))
    return Output(model.train()["SpatialGlue"])
