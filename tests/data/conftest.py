"""Small tables of counts with names and coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@pytest.fixture(scope="session")
def make_table() -> Callable[..., AnnData]:
    """Make a table of positive counts whose spot ``spot<i>`` lies at (i, i squared)."""

    def make(
        spots: int | Sequence[str] = 6,
        features: int | Sequence[str] = 4,
        *,
        seed: int = 0,
        spatial: bool = True,
        sparse: bool = True,
    ) -> AnnData:
        names = [f"spot{i}" for i in range(spots)] if isinstance(spots, int) else list(spots)
        columns = [f"f{i}" for i in range(features)] if isinstance(features, int) else features
        rng = np.random.default_rng(seed)
        counts = rng.integers(1, 9, (len(names), len(columns))).astype(np.float32)
        table = AnnData(
            X=sp.csr_matrix(counts) if sparse else counts,
            obs=pd.DataFrame(index=names),
            var=pd.DataFrame(index=list(columns)),
        )
        if spatial:
            x = np.array([float("".join(filter(str.isdigit, name)) or 0) for name in names])
            table.obsm["spatial"] = np.column_stack([x, x**2])
        return table

    return make
