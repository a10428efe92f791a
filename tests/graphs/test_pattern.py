import numpy as np
import pytest
import scipy.sparse as sp
import torch

from napari_trsmi.graphs.pattern import Pattern


def test_rows_and_columns_are_the_masks_positions(make_pattern):
    pattern, mask = make_pattern(symmetric=False)
    rows, columns = mask.nonzero(as_tuple=True)
    assert torch.equal(pattern.rows, rows)
    assert torch.equal(pattern.columns.long(), columns)
    assert (pattern.n, pattern.nnz) == (len(mask), int(mask.sum()))


def test_unsorted_scipy_indices_are_sorted():
    matrix = sp.csr_array((np.ones(3), [2, 0, 1], [0, 2, 3, 3]), shape=(3, 3))
    assert Pattern.from_scipy(matrix, symmetric=False).columns.tolist() == [0, 2, 1]


def test_the_transpose_and_its_order(make_pattern, to_dense):
    pattern, mask = make_pattern(symmetric=False)
    values = torch.arange(1.0, pattern.nnz + 1)
    transposed = to_dense(pattern.transpose, values[pattern.transpose_order])
    assert torch.equal(transposed, to_dense(pattern, values).T)
    assert torch.equal(transposed != 0, mask.T)


def test_a_symmetric_pattern_is_its_own_transpose(make_pattern):
    pattern, _ = make_pattern(symmetric=True)
    assert pattern.transpose is pattern


def test_from_rows_sorts_each_row(to_dense):
    pattern = Pattern.from_rows(torch.tensor([[2, 0], [1, 2], [0, 1]]))
    dense = to_dense(pattern, torch.ones(6))
    assert dense.tolist() == [[1, 0, 1], [0, 1, 1], [1, 1, 0]]


def test_positions_find_a_part_in_the_whole(make_pattern):
    pattern, mask = make_pattern(symmetric=False)
    rng = np.random.default_rng(0)
    part = sp.csr_array(mask.numpy() & (rng.random(mask.shape) < 0.5))
    found = pattern.positions(part)
    expected = np.repeat(np.arange(pattern.n), np.diff(part.indptr)), part.indices
    np.testing.assert_array_equal((pattern.rows[found], pattern.columns[found]), expected)


@pytest.mark.parametrize("symmetric", [True, False])
def test_moving_keeps_everything(make_pattern, symmetric):
    pattern, _ = make_pattern(symmetric=symmetric)
    moved = pattern.to("meta")
    assert moved.device.type == "meta"
    assert (moved.n, moved.nnz, moved.symmetric) == (pattern.n, pattern.nnz, symmetric)
