from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.data.dataset import Kind, Modality
from napari_trsmi.preprocessing.values import comparable_values

COUNTS = np.array([[1, 3, 0], [2, 6, 0], [0, 0, 5]], dtype=np.float32)


@pytest.mark.parametrize("kind", [Kind.RNA, Kind.CHROMATIN])
def test_counts_are_scaled_to_depth_and_logged(kind):
    table = AnnData(sp.csr_matrix(COUNTS))
    found = comparable_values(Modality("m", kind, table))
    expected = np.log1p(COUNTS / COUNTS.sum(axis=1, keepdims=True) * 5)  # 4, 8 and 5 counts
    assert sp.issparse(found.X)
    np.testing.assert_allclose(found.X.toarray(), expected, rtol=1e-5)
    np.testing.assert_array_equal(table.X.toarray(), COUNTS)


def test_proteins_are_a_centred_log_ratio():
    found = comparable_values(Modality("m", Kind.PROTEIN, AnnData(COUNTS)))
    expected = np.log1p(COUNTS[0] / np.exp(np.log1p(COUNTS[0]).mean()))
    np.testing.assert_allclose(found.X[0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "values"),
    [(Kind.FEATURES, COUNTS), (Kind.RNA, COUNTS + 0.5), (Kind.PROTEIN, COUNTS - 0.5)],
)
def test_what_is_no_count_stays(kind, values):
    found = comparable_values(Modality("m", kind, AnnData(values)))
    np.testing.assert_array_equal(found.X, values)
