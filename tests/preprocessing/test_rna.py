import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition import PCA

from napari_trsmi.preprocessing.rna import rna_components


def components(table, *, n_top_genes=3000, n_components=5):
    return rna_components(table, n_top_genes=n_top_genes, n_components=n_components, seed=0)


def scaled_logs(matrix):
    depths = matrix.sum(axis=1, keepdims=True)
    return np.log1p(matrix / depths * np.median(depths))


def by_hand(matrix, n_components):
    """Scale to depth, take logs, scale genes, clip, rotate."""
    values = scaled_logs(matrix)
    mean, deviation = values.mean(axis=0), values.std(axis=0, ddof=1)
    values = np.minimum(values / deviation, mean / deviation + 10)
    return PCA(n_components, svd_solver="full").fit_transform(values)


@pytest.mark.parametrize("sparse", [True, False])
def test_it_equals_the_steps_by_hand(as_table, counts, sparse):
    found, notes = components(as_table(counts(), sparse=sparse), n_components=3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found), np.abs(by_hand(counts(), 3)), rtol=2e-3, atol=2e-3)
    assert notes == []


@pytest.mark.parametrize("n_genes", [30, 200])
def test_a_sparse_table_is_never_made_dense(as_table, counts, monkeypatch, n_genes):
    """With few genes the covariance is decomposed, with many the matrix; 60 variable ones."""
    table = as_table(counts(60, n_genes))

    def refuse(*args, **kwargs):
        raise AssertionError("made dense")

    for form in (sp.csr_matrix, sp.csc_matrix, sp.csr_array):
        if n_genes == 30:
            monkeypatch.setattr(form, "toarray", refuse)
        monkeypatch.setattr(form, "todense", refuse)
    found, _ = components(table, n_top_genes=60, n_components=4)
    assert found.shape == (60, 4)


def test_the_table_passed_in_stays_as_it_is(as_table, counts):
    table = as_table(counts())
    components(table, n_top_genes=20)
    np.testing.assert_array_equal(table.X.toarray(), counts())
    assert table.shape == (60, 30)
    assert not table.uns
    assert table.var.columns.empty


def test_normalised_values_are_recognised_noted_and_not_normalised_again(as_table, counts):
    logs = scaled_logs(counts())
    found, notes = components(as_table(logs), n_components=3)
    assert any("not counts" in note for note in notes)
    np.testing.assert_allclose(np.abs(found), np.abs(by_hand(counts(), 3)), rtol=2e-3, atol=2e-3)


def test_counts_per_million_are_logged_and_it_is_said(as_table, counts):
    """Also corrected counts: nothing so large is a logarithm."""
    matrix = counts()
    millions = matrix / matrix.sum(axis=1, keepdims=True) * 1e6
    found, notes = components(as_table(millions), n_components=3)
    assert notes == [
        "values are not counts, and too large for logarithms: scaled to depth and logged"
    ]
    expected = np.abs(by_hand(millions, 3))
    np.testing.assert_allclose(np.abs(found), expected, rtol=2e-3, atol=2e-3)


def test_genes_of_counts_per_million_are_ranked_by_their_logarithms(as_table):
    rng = np.random.default_rng(0)
    depths = rng.integers(2_000, 4_000, (120, 1))
    matrix = rng.poisson(depths * rng.dirichlet(np.ones(90)))
    millions = matrix / matrix.sum(axis=1, keepdims=True) * 1e6
    found, notes = components(as_table(millions), n_top_genes=60, n_components=3)
    logs, _ = components(as_table(scaled_logs(millions)), n_top_genes=60, n_components=3)
    assert "60 highly variable genes kept" in notes
    np.testing.assert_allclose(np.abs(found), np.abs(logs), rtol=1e-2, atol=1e-2)


def test_rarely_seen_genes_are_left_out_and_said(as_table, counts):
    matrix = counts(300, 20)
    rare = np.zeros((300, 4), dtype=int)
    rare[:2] = 50
    found, notes = components(as_table(np.hstack([matrix, rare])))
    alone, _ = components(as_table(matrix))
    np.testing.assert_allclose(np.abs(found), np.abs(alone), rtol=1e-3, atol=1e-3)
    assert notes == ["4 genes seen in fewer than 3 spots left out"]


def test_where_every_gene_is_rare_all_are_kept(as_table):
    rare = np.zeros((400, 400), dtype=int)
    rare[np.arange(400), np.arange(400)] = 3
    found, notes = components(as_table(rare))
    assert found.shape == (400, 5)
    assert notes == []


@pytest.mark.parametrize("logs", [False, True])
def test_the_most_variable_genes_are_kept_and_said(as_table, logs):
    rates = np.random.default_rng(0).uniform(2, 12, (1, 400)).repeat(80, axis=0)
    rates[:40, ::10] *= 1.8
    rates[40:, ::10] *= 0.2
    matrix = np.random.default_rng(1).poisson(rates)
    found, notes = components(
        as_table(np.log1p(matrix) if logs else matrix), n_top_genes=40, n_components=2
    )
    assert "40 highly variable genes kept" in notes
    halves = np.repeat([0, 1], 40)
    assert abs(np.corrcoef(found[:, 0], halves)[0, 1]) > 0.9


@pytest.mark.parametrize("sparse", [True, False])
def test_a_rare_high_count_is_cut_off_and_a_steady_high_gene_is_not(as_table, counts, sparse):
    """Steady genes lie many standard deviations above 0; cutting them there loses them."""
    matrix = counts(300, 6, mean=200.0)
    matrix[7, 5] = 10**5
    found, _ = components(as_table(matrix, sparse=sparse))
    np.testing.assert_allclose(np.abs(found), np.abs(by_hand(matrix, 5)), rtol=2e-2, atol=2e-2)
    halves = np.repeat([0, 1], 150)
    assert max(abs(np.corrcoef(column, halves)[0, 1]) for column in found.T) > 0.9


@pytest.mark.parametrize("n_genes", [1, 2, 10])
def test_panels_of_few_genes_work(as_table, counts, n_genes):
    found, _ = components(as_table(counts(40, n_genes)), n_components=50)
    assert found.shape == (40, max(1, n_genes - 1))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("sparse", [True, False])
def test_constant_genes_change_nothing(as_table, counts, sparse):
    """Rounding makes the variance of a constant column negative; its root is no number."""
    matrix = np.log1p(counts(27, 12))
    constants = np.tile([8.740497, 7.8244457, 0.1], (27, 1))
    found, _ = components(as_table(np.hstack([matrix, constants]), sparse=sparse), n_components=3)
    alone, _ = components(as_table(matrix, sparse=sparse), n_components=3)
    np.testing.assert_allclose(np.abs(found), np.abs(alone), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("n_genes", [4, 40])
def test_equal_spots_give_zeros(as_table, n_genes):
    table = as_table(np.tile(np.arange(1, n_genes + 1), (20, 1)))
    for n_top_genes in (10, 3000):
        found, _ = components(table, n_top_genes=n_top_genes)
        np.testing.assert_array_equal(found, np.zeros((20, 1)))
