"""Tables of counts, dense or sparse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.data.simulated.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def as_table() -> Callable[..., AnnData]:
    """Make a table of a matrix."""

    def make(matrix: np.ndarray, *, sparse: bool = True) -> AnnData:
        values = np.asarray(matrix, dtype=np.float32)
        return AnnData(
            sp.csr_matrix(values) if sparse else values,
            obs=pd.DataFrame(index=[f"spot{i}" for i in range(len(values))]),
            var=pd.DataFrame(index=[f"f{i}" for i in range(values.shape[1])]),
        )

    return make


@pytest.fixture(scope="session")
def counts() -> Callable[..., np.ndarray]:
    """Draw counts that differ between two halves of the spots in the first third of features."""

    def draw(n_spots: int = 60, n_features: int = 30, *, mean: float = 4.0, seed: int = 0):
        rng = np.random.default_rng(seed)
        rates = np.full((n_spots, n_features), mean)
        rates[: n_spots // 2, : n_features // 3] *= 3
        return rng.poisson(rates * rng.uniform(0.7, 1.4, (n_spots, 1)))

    return draw


@pytest.fixture(scope="session")
def simulated():
    """A simulated section of 144 spots with a domain each."""
    features = {"rna": 120, "protein": 24, "chromatin": 120}
    return simulate(n_spots=144, n_features=features, image=False)
