import numpy as np
import pytest
from sklearn.decomposition import PCA

from napari_trsmi.preprocessing.protein import protein_components


def whitened(values, n_components):
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    return PCA(n_components, svd_solver="full").fit_transform(values)


@pytest.mark.parametrize("sparse", [True, False])
def test_it_is_the_principal_components_of_the_scaled_log_ratio(as_table, counts, sparse):
    matrix = counts(50, 12)
    ratio = np.empty(matrix.shape)
    for spot, row in enumerate(matrix):
        geometric_mean = np.prod(1 + row.astype(float)) ** (1 / len(row))
        ratio[spot] = np.log(1 + row / geometric_mean)
    found, notes = protein_components(as_table(matrix, sparse=sparse), n_components=4, seed=0)
    np.testing.assert_allclose(np.abs(found), np.abs(whitened(ratio, 4)), rtol=1e-3, atol=1e-3)
    assert notes == []


def test_normalised_values_are_recognised_and_only_scaled(as_table, counts):
    values = np.sqrt(counts(50, 12))
    found, notes = protein_components(as_table(values), n_components=4, seed=0)
    np.testing.assert_allclose(np.abs(found), np.abs(whitened(values, 4)), rtol=1e-3, atol=1e-3)
    assert notes == ["values are not counts: taken as normalised, no centred log-ratio"]


@pytest.mark.parametrize("n_proteins", [1, 2, 12])
def test_small_panels_and_constant_proteins_stay_finite(as_table, counts, n_proteins):
    matrix = np.sqrt(np.hstack([counts(20, n_proteins), np.full((20, 2), 3)]))
    found, _ = protein_components(as_table(matrix), n_components=50, seed=0)
    assert np.isfinite(found).all()
    assert found.any()
