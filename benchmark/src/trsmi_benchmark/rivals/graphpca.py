"""GraphPCA (Yang et al. 2024, Genome Biology), package ``st-graphpca``.

Principal components under a penalty on differences between spatial neighbours, and k-means on
them: its tutorials' settings, 50 components, weight .5 and 6 neighbours. It gets the modalities'
components side by side where its tutorials have scaled genes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData
from GraphPCA import Run_GPCA
from sklearn.cluster import KMeans

from trsmi_benchmark.blocks import side_by_side
from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs

_COMPONENTS, _NEIGHBORS, _WEIGHT = 50, 6, 0.5


def run(inputs: Inputs) -> Output:
    """Fit the components, and cluster them."""
    table = AnnData(X=side_by_side(inputs.features))
    scores, _ = Run_GPCA(
        table,
        location=inputs.coordinates,
        n_components=min(_COMPONENTS, table.n_vars - 1),
        _lambda=_WEIGHT,
        n_neighbors=_NEIGHBORS,
        random_seed=inputs.seed,
        mode="iterative",
    )
    embedding = np.asarray(scores, dtype=np.float64)
    domains = KMeans(inputs.n_domains, n_init=10, random_state=inputs.seed).fit_predict(embedding)
    return Output(embedding, np.asarray(domains, dtype=np.int64))
