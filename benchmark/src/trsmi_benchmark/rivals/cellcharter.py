"""CellCharter (Varrone et al. 2024, Nature Genetics), package ``cellcharter``.

Components and their means over one to three rings of Delaunay neighbours, then its own Gaussian
mixture. Its tutorials reduce the tables by a variational autoencoder first; here they are the
components that all methods get.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cellcharter as cc
import numpy as np
import squidpy as sq

from trsmi_benchmark.blocks import side_by_side
from trsmi_benchmark.exchange import Block, Output
from trsmi_benchmark.rivals.tables import feature_table

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs

_LAYERS = 3


def run(inputs: Inputs) -> Output:
    """Aggregate neighbourhoods, and cluster them."""
    joined = side_by_side(inputs.features).astype(np.float32)
    table = feature_table(inputs, Block("all", inputs.blocks[0].kind, joined, None))
    sq.gr.spatial_neighbors(table, coord_type="generic", delaunay=True)
    cc.gr.remove_long_links(table)
    cc.gr.aggregate_neighbors(table, n_layers=_LAYERS, use_rep="feat")
    model = cc.tl.Cluster(
        n_clusters=inputs.n_domains,
        random_state=inputs.seed,
        trainer_params={"accelerator": "cpu", "enable_progress_bar": False},
    )
    model.fit(table, use_rep="X_cellcharter")
    domains = np.asarray(model.predict(table, use_rep="X_cellcharter"), dtype=np.int64)
    return Output(np.asarray(table.obsm["X_cellcharter"]), domains)
