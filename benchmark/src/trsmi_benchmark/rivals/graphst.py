"""GraphST (Long et al. 2023, Nature Communications), package ``graphst-modern``.

A graph encoder trained to tell spots' neighbourhoods from shuffled ones and to reconstruct their
features, with the package's defaults: 600 epochs, 3 neighbours, for Visium its dense graph. Counts
go through its own preprocessing (3,000 genes); where there are none it gets the components, scaled
to unit mean square as its genes are. Made for one table: RNA, or the first that there is.

Its own domains are mclust's EEE on 20 principal components, refined by a majority vote over 50
neighbours as in its tutorial of the cortex. R is not here, so the common clustering, which is the
same mixture, takes mclust's place under the vote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from GraphST.GraphST import GraphST
from GraphST.utils import refine_label

from trsmi_benchmark.exchange import Output
from trsmi_benchmark.mixture import eee_domains
from trsmi_benchmark.rivals.tables import count_table, feature_table, rna_first

if TYPE_CHECKING:
    from anndata import AnnData

    from trsmi_benchmark.exchange import Inputs

_VOTERS = 50


def run(inputs: Inputs) -> Output:
    """Train, cluster and refine."""
    model = GraphST(_table(inputs), device=torch.device("cpu"), random_seed=inputs.seed)
    table = model.train()
    embedding = np.asarray(table.obsm["emb"], dtype=np.float64)
    order = np.lexsort(inputs.coordinates.T)
    table.obs["domain"] = eee_domains(embedding, inputs.n_domains, order, seed=inputs.seed)
    refined = refine_label(table, radius=min(_VOTERS, inputs.n_spots - 1), key="domain")
    return Output(embedding, np.asarray(refined, dtype=np.int64))


def _table(inputs: Inputs) -> AnnData:
    block = rna_first(inputs)[0]
    if block.counts is not None and block.kind == "rna":
        return count_table(inputs, block)
    table = feature_table(inputs, block, key="components")
    table.X = table.X / np.sqrt(np.mean(table.X**2))
    table.var["highly_variable"] = True
    return table
