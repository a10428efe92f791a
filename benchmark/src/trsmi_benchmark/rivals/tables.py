"""The inputs as the AnnData objects that packages expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Block, Inputs

_RANK = {"rna": 0, "protein": 1, "chromatin": 2, "features": 3}


def rna_first(inputs: Inputs) -> list[Block]:
    """The modalities in the order that two- and three-omics packages weight them by."""
    return sorted(inputs.blocks, key=lambda block: _RANK[block.kind])


def feature_table(inputs: Inputs, block: Block, *, key: str = "feat") -> AnnData:
    """Components as ``X`` and in ``obsm``, with the coordinates in ``obsm["spatial"]``."""
    table = AnnData(X=block.features.copy(), obs=_spots(inputs))
    table.obsm[key] = block.features.copy()
    table.obsm["spatial"] = inputs.coordinates.copy()
    return table


def count_table(inputs: Inputs, block: Block) -> AnnData:
    """Raw counts as ``X``, with the coordinates in ``obsm["spatial"]``."""
    if block.counts is None:
        raise ValueError(f"{block.name} has no counts")
    counts = sp.csr_matrix(block.counts, dtype=np.float32)
    names = pd.Index([f"{block.name}_{place}" for place in range(counts.shape[1])])
    table = AnnData(X=counts, obs=_spots(inputs), var=pd.DataFrame(index=names))
    table.obsm["spatial"] = inputs.coordinates.copy()
    return table


def _spots(inputs: Inputs) -> pd.DataFrame:
    return pd.DataFrame(index=[f"spot_{place}" for place in range(inputs.n_spots)])
