import dask.array as da
import numpy as np
import pytest
import scipy.sparse as sp

from napari_trsmi.data import stored
from napari_trsmi.data.stored import StoredMatrix
from napari_trsmi.preprocessing.stored.columns import Columns
from napari_trsmi.preprocessing.stored.median import median_above_zero


@pytest.fixture
def values(monkeypatch):
    monkeypatch.setattr(stored, "CHUNK_ROWS", 7)
    rng = np.random.default_rng(0)
    values = rng.poisson(rng.gamma(0.5, 2, 9), (50, 9)).astype(np.float32)
    values[:, 3] = 1e5 + rng.normal(size=50)  # far from 0: its variance is lost in a sum of squares
    return values


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_columns_and_rows_are_summed(values, form):
    matrix = StoredMatrix.of(da.from_array(form(values), chunks=(20, -1), asarray=False), "it")
    found = Columns.of(matrix)
    exact = values.astype(np.float64)
    np.testing.assert_array_equal(found.seen, (values != 0).sum(axis=0))
    np.testing.assert_allclose(found.means, exact.mean(axis=0))
    np.testing.assert_allclose(found.variances, exact.var(axis=0, ddof=1), rtol=1e-6)
    np.testing.assert_array_equal(found.low, values.min(axis=0))
    np.testing.assert_array_equal(found.high, values.max(axis=0))
    np.testing.assert_allclose(found.depth, exact.sum(axis=1), rtol=1e-6)
    assert not found.whole
    few = found.only(np.arange(9) < 3)
    assert len(few.means) == 3
    assert Columns.of(matrix[:, np.arange(9) < 3]).whole


@pytest.mark.parametrize("n", [50, 49, 1])
def test_the_median_is_exact(values, n):
    part = values[:n]
    expected = np.median(part[part > 0].astype(np.float64))
    assert median_above_zero(StoredMatrix.of(da.from_array(part), "it")) == expected


def test_the_median_of_nothing():
    assert median_above_zero(StoredMatrix.of(da.zeros((4, 2)), "it")) == 1
