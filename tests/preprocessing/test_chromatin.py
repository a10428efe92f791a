import numpy as np
import pytest
import scipy.sparse as sp

from napari_trsmi.preprocessing.chromatin import chromatin_components


@pytest.fixture
def peaks(counts):
    """Two halves that open different peaks, in spots of very different depth."""
    depth = np.linspace(0.5, 6, 100)[np.random.default_rng(1).permutation(100)]
    rng = np.random.default_rng(0)
    return rng.poisson(np.clip(counts(100, 60), 0.2, None) / 8 * depth[:, None]) + (
        rng.random((100, 60)) < 0.05
    )


def test_the_depth_component_is_dropped_and_said(as_table, peaks):
    found, notes = chromatin_components(as_table(peaks), n_components=5, seed=0)
    (note,) = notes
    assert note.startswith("LSI component dropped for following depth: 1 (|r| = ")
    log_depth = np.log1p(peaks.sum(axis=1))
    correlations = [abs(np.corrcoef(column, log_depth)[0, 1]) for column in found.T]
    assert found.shape == (100, 5)
    assert max(correlations) <= 0.75
    halves = np.repeat([0, 1], 50)
    assert max(abs(np.corrcoef(column, halves)[0, 1]) for column in found.T) > 0.8


@pytest.mark.parametrize("equal_depth", [False, True])
def test_it_is_the_svd_of_tf_idf_without_its_first_component(as_table, peaks, equal_depth):
    if equal_depth:
        rng = np.random.default_rng(2)
        peaks = np.stack([rng.multinomial(150, row / row.sum()) for row in peaks])
    found, _ = chromatin_components(as_table(peaks), n_components=2, seed=0)
    tf = peaks / peaks.sum(axis=1, keepdims=True)
    idf = np.log(1 + 100 / (1 + (peaks > 0).sum(axis=0)))
    u, s, _ = np.linalg.svd(np.log(1 + 1e4 * tf * idf), full_matrices=False)
    expected = (u * s)[:, 1:3]
    expected = expected - expected.mean(axis=0)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=0.05, atol=0.05)


def test_the_table_is_never_made_dense(as_table, peaks, monkeypatch):
    table = as_table(peaks)

    def refuse(*args, **kwargs):
        raise AssertionError("made dense")

    wide = []
    toarray = sp.csr_array.toarray
    monkeypatch.setattr(sp.csr_matrix, "toarray", refuse)
    monkeypatch.setattr(
        sp.csr_array, "toarray", lambda self, *a: (wide.append(self.shape), toarray(self, *a))[1]
    )
    chromatin_components(table, n_components=5, seed=0)
    assert (100, 60) not in wide


def test_values_that_are_not_counts_get_no_tf_idf_and_a_note(as_table, peaks):
    found, notes = chromatin_components(as_table(np.log1p(peaks)), n_components=5, seed=0)
    assert notes[0] == "values are not counts: taken as normalised, no TF-IDF"
    assert np.isfinite(found).all()


@pytest.mark.parametrize("n_peaks", [1, 2, 3])
def test_few_peaks_work(as_table, peaks, n_peaks):
    values = np.log1p(peaks[:, :n_peaks])
    found, _ = chromatin_components(as_table(values), n_components=50, seed=0)
    assert found.shape[0] == 100
    assert np.isfinite(found).all()
    assert found.any()


@pytest.mark.parametrize("n_peaks", [1, 5])
def test_equal_spots_give_zeros(as_table, n_peaks):
    matrix = np.outer([1, 2, 1, 3, 1, 2], np.arange(1, n_peaks + 1))
    found, _ = chromatin_components(as_table(matrix), n_components=3, seed=0)
    np.testing.assert_array_equal(found, np.zeros((6, 1)))
