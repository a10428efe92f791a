"""Components of stored tables are those of the same tables in memory, for every kind."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import scipy.sparse as sp
from anndata import AnnData
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from napari_trsmi.config import Config
from napari_trsmi.data import stored
from napari_trsmi.data.dataset import Kind, Modality
from napari_trsmi.data.stored import StoredMatrix
from napari_trsmi.preprocessing import feature_matrix
from napari_trsmi.preprocessing.stored.by_kind import stored_components


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(stored, "CHUNK_ROWS", 37)


def table(kind: Kind, n_spots: int, n_features: int, seed: int, *, counts: bool, sparse: bool):
    """Spots of four groups that differ in some features, with noise of every size around it."""
    rng = np.random.default_rng(seed)
    groups = rng.gamma(0.5, 1.0, (4, n_features)) * rng.lognormal(0, 1, n_features)
    means = groups[rng.integers(0, 4, n_spots)] * rng.lognormal(0, 0.5, (n_spots, 1)) + 0.02
    values = rng.poisson(means).astype(np.float32)
    if kind in (Kind.METABOLITE, Kind.FEATURES, Kind.IMAGE) or not counts:
        values = np.log1p(values).astype(np.float32)
    values[:, 0] = 0  # a feature that was never seen
    values[:, 1] += values.sum(axis=1) == 0  # no spot is empty
    return sp.csr_matrix(values) if sparse else values


def components(kind: Kind, matrix, config: Config, order) -> tuple[np.ndarray, ...]:
    whole, said = feature_matrix(Modality("it", kind, AnnData(matrix[order])), config)
    lazy = StoredMatrix.of(da.from_array(matrix, chunks=(50, -1), asarray=False), "it")
    found, notes = stored_components(lazy[order], kind, config)
    assert [f"it: {note}." for note in notes] == said
    return whole, found


@pytest.mark.parametrize("kind", list(Kind))
@example(n_spots=162, n_features=70, seed=1876, counts=True, sparse=False)
@settings(max_examples=10, phases=[Phase.explicit, Phase.generate])
@given(
    n_spots=st.integers(120, 260),
    n_features=st.integers(12, 150),
    seed=st.integers(0, 2**16),
    counts=st.booleans(),
    sparse=st.booleans(),
)
def test_components_are_those_of_the_table_in_memory(
    kind, n_spots, n_features, seed, counts, sparse
):
    matrix = table(kind, n_spots, n_features, seed, counts=counts, sparse=sparse)
    config = Config(n_top_genes=60, n_components=8)
    order = np.random.default_rng(seed).permutation(n_spots)
    whole, found = components(kind, matrix, config, order)
    assert found.dtype == np.float32
    assert whole.shape == found.shape
    error = np.abs(whole - found).max(axis=0)[:-1]
    assert (error <= 1e-4 * np.abs(whole).max() * mixing(whole)).all()


def mixing(components: np.ndarray) -> np.ndarray:
    """How much more than others each component but the last may differ: as it has a near twin.

    Two that explain nearly as much are found in any mixture, by the rounding of float32.
    """
    explained = components.var(axis=0, dtype=np.float64)
    between = np.abs(np.diff(explained)) / explained[:-1]
    gap = np.minimum(between, np.r_[np.inf, between[:-1]])
    return np.maximum(1, 0.05 / np.maximum(gap, 1e-9))


@pytest.mark.parametrize("kind", list(Kind))
def test_a_table_that_says_nothing(kind):
    """One value everywhere: a column of zeros, as in memory."""
    matrix = np.ones((40, 60), dtype=np.float32)
    lazy = StoredMatrix.of(da.from_array(matrix, chunks=(9, -1)), "it")
    found, _ = stored_components(lazy, kind, Config(n_top_genes=20, n_components=5))
    assert not found.any()


def test_fractions_that_are_no_logarithms():
    """Counts per million are scaled and logged, as in memory."""
    matrix = table(Kind.RNA, 150, 40, 0, counts=True, sparse=True)
    matrix = matrix.multiply(1e3 / matrix.sum(axis=1)).tocsr().astype(np.float32)
    whole, found = components(Kind.RNA, matrix, Config(n_components=8), np.arange(150))
    assert np.abs(whole - found).max() <= 1e-4 * np.abs(whole).max()
