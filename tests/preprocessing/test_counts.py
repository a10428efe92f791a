import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition import PCA

from napari_trsmi.preprocessing.counts import (
    are_counts,
    depth,
    log_normalize,
    principal_components,
    varying,
)


@pytest.mark.parametrize("sparse", [True, False])
def test_counts_are_told_by_whole_numbers(as_table, counts, sparse):
    assert are_counts(as_table(counts(), sparse=sparse))
    assert not are_counts(as_table(np.log1p(counts()), sparse=sparse))


@pytest.mark.parametrize("sparse", [True, False])
def test_depth_is_the_total_of_each_spot(as_table, counts, sparse):
    np.testing.assert_array_equal(depth(as_table(counts(), sparse=sparse)), counts().sum(axis=1))


@pytest.mark.parametrize("sparse", [True, False])
def test_an_empty_spot_stays_empty_without_a_word(as_table, counts, sparse, no_warnings):
    matrix = counts(5, 4)
    matrix[2] = 0
    table = as_table(matrix, sparse=sparse)
    with no_warnings():
        log_normalize(table)
    depths = matrix.sum(axis=1, keepdims=True)
    expected = np.log1p(matrix / np.maximum(depths, 1) * np.median(depths[depths > 0]))
    found = table.X.toarray() if sparse else table.X
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix, sp.csr_array, sp.csc_array])
def test_columns_that_differ_by_rounding_only_do_not_vary(form):
    constant = np.full(5, 8.74, dtype=np.float32)
    rounded = np.nextafter(constant, 9) * [1, 1, 0, 1, 0] + constant * [0, 0, 1, 0, 1]
    matrix = np.column_stack([np.zeros(5), constant, rounded, [0, 0, 0, 0, -1], np.arange(5)])
    assert varying(form(matrix)).tolist() == [False, False, False, True, True]


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("n_components", [3, 20])
def test_components_equal_scikit_learns_up_to_sign(counts, sparse, n_components):
    matrix = counts(40, 25).astype(np.float64)
    found = principal_components(sp.csr_matrix(matrix) if sparse else matrix, n_components, seed=0)
    expected = PCA(n_components, svd_solver="full").fit_transform(matrix)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("shape", "expected"), [((8, 3), 2), ((4, 30), 3), ((9, 1), 1)])
def test_small_matrices_have_fewer_components(shape, expected):
    matrix = np.random.default_rng(0).normal(size=shape)
    assert principal_components(matrix, 10, seed=0).shape == (shape[0], expected)


def test_equal_rows_have_one_component_of_zeros():
    for matrix in (np.full((6, 40), 2.5), sp.csr_matrix(np.full((6, 40), 2.5))):
        np.testing.assert_array_equal(principal_components(matrix, 2, seed=0), np.zeros((6, 1)))
