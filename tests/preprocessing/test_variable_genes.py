import numpy as np
import pytest
import scanpy as sc

from napari_trsmi.preprocessing.variable_genes import variable_genes


def test_counts_are_ranked_as_seurat_v3_does(as_table, counts):
    table = as_table(counts(80, 300, mean=2.0))
    chosen = variable_genes(table, 60, counted=True)
    expected = sc.pp.highly_variable_genes(
        table, n_top_genes=60, flavor="seurat_v3", inplace=False
    )["highly_variable"]
    np.testing.assert_array_equal(chosen, expected)


def test_normalised_values_are_ranked_by_dispersion(as_table, counts):
    table = as_table(np.log1p(counts(80, 300)))
    chosen = variable_genes(table, 60, counted=False)
    expected = sc.pp.highly_variable_genes(table, n_top_genes=60, inplace=False)
    np.testing.assert_array_equal(chosen, expected["highly_variable"])


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("n_genes", [12, 200])
def test_shallow_tables_that_loess_cannot_fit_are_ranked_all_the_same(as_table, n_genes, counted):
    """Many genes with the same mean and variance make it singular, a handful crash it."""
    rng = np.random.default_rng(0)
    matrix = np.zeros((60, n_genes), dtype=int)
    for gene in range(n_genes):
        matrix[rng.permutation(60)[:2], gene] = 1
    chosen = variable_genes(as_table(matrix), 10, counted=counted)
    assert 10 <= chosen.sum() <= n_genes


def test_constant_genes_are_never_chosen(as_table, counts):
    matrix = np.hstack([counts(40, 6), np.full((40, 20), 3)])
    chosen = variable_genes(as_table(matrix), 10, counted=True)
    assert chosen.tolist() == [True] * 6 + [False] * 20


def test_a_small_panel_is_ranked_by_the_variance_of_its_logarithms(as_table):
    rates = np.full((80, 20), 50.0)
    rates[:40, [3, 8]] = 10
    rates[40:, [5, 11]] = 10
    matrix = np.random.default_rng(0).poisson(rates)
    chosen = variable_genes(as_table(matrix), 4, counted=True)
    assert np.flatnonzero(chosen).tolist() == [3, 5, 8, 11]
