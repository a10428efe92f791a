import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from napari_trsmi.graphs import normalize
from napari_trsmi.graphs.normalize import (
    add_self_loops,
    row_normalized,
    symmetric_normalize,
    symmetric_normalized,
)
from napari_trsmi.graphs.pattern import Pattern


@pytest.fixture(scope="module")
def weighted(make_pattern):
    """Make a symmetric pattern with random symmetric weights, some of them 0."""

    def make(n=7, seed=0, density=0.4):
        pattern, _ = make_pattern(n, symmetric=True, seed=seed, density=density)
        random = torch.rand(
            n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
        )
        random = torch.where(random < 0.2, 0.0, random + random.T)
        random = torch.minimum(random, random.T)
        return pattern, random[pattern.rows, pattern.columns.long()]

    return make


def normalized_densely(weights):
    degrees = weights.sum(dim=1)
    scale = torch.where(degrees > 0, degrees.clamp_min(1e-300).rsqrt(), 0.0)
    return scale[:, None] * weights * scale


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_in_blocks_of_rows_it_is_the_same_to_the_bit(make_pattern, monkeypatch, rows):
    monkeypatch.setattr(normalize, "_ROWS", rows)
    pattern, _ = make_pattern(17, symmetric=True, seed=1, density=0.4)
    weights = torch.rand(pattern.nnz, generator=torch.Generator().manual_seed(0))
    graph = sp.csr_array((weights.numpy(), pattern.columns.numpy(), pattern.row_pointers.numpy()))
    expected = symmetric_normalize(pattern, weights).numpy()
    np.testing.assert_array_equal(symmetric_normalized(graph).data, expected)
    np.testing.assert_array_equal(graph.data, weights.numpy())


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 15), st.integers(0, 10**6), st.floats(0.1, 1))
def test_normalised_graphs_are_symmetric_with_spectral_norm_at_most_1(
    weighted, to_dense, n, seed, density
):
    pattern, weights = weighted(n, seed, density)
    dense = to_dense(pattern, symmetric_normalize(pattern, weights))
    torch.testing.assert_close(dense, dense.T)
    assert torch.linalg.matrix_norm(dense, 2) <= 1 + 1e-12
    torch.testing.assert_close(dense, normalized_densely(to_dense(pattern, weights)))


def test_rows_of_a_regular_graph_sum_to_1(to_dense):
    ring = sp.csr_array(np.roll(np.eye(9), 1, axis=0) + np.roll(np.eye(9), -1, axis=0))
    pattern = Pattern.from_scipy(add_self_loops(ring), symmetric=True)
    dense = to_dense(pattern, symmetric_normalize(pattern, torch.full((27,), 0.3)))
    torch.testing.assert_close(dense.sum(dim=1), torch.ones(9))


def test_gradient_to_the_weights(weighted, to_dense):
    pattern, weights = weighted(density=0.7)
    weights = weights.clamp_min(0.1).requires_grad_()
    assert gradcheck(lambda w: symmetric_normalize(pattern, w), weights)
    target = torch.randn(pattern.nnz, dtype=torch.float64)
    (mine,) = torch.autograd.grad(symmetric_normalize(pattern, weights) @ target, weights)
    dense = normalized_densely(to_dense(pattern, weights))
    (theirs,) = torch.autograd.grad(dense[pattern.rows, pattern.columns.long()] @ target, weights)
    torch.testing.assert_close(mine, theirs)


def test_a_spot_whose_weights_are_all_0_stays_0_with_a_finite_gradient(make_pattern, to_dense):
    pattern, mask = make_pattern(symmetric=True, density=0.8)
    touching = (pattern.rows == 3) | (pattern.columns == 3)
    weights = torch.where(touching, 0.0, 1.0).requires_grad_()
    values = symmetric_normalize(pattern, weights)
    dense = to_dense(pattern, values)
    assert mask[3].any()
    assert not dense[3].any()
    assert dense.isfinite().all()
    values.sum().backward()
    assert weights.grad.isfinite().all()


def test_self_loops_and_row_means():
    graph = sp.csr_array(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]], dtype=np.float32))
    np.testing.assert_array_equal(add_self_loops(graph).diagonal(), np.ones(3))
    np.testing.assert_array_equal(
        row_normalized(graph).toarray(), [[0, 0.5, 0.5], [1, 0, 0], [1, 0, 0]]
    )


def test_the_row_mean_of_an_isolated_spot_is_0():
    mean = row_normalized(sp.csr_array((4, 4), dtype=np.float64))
    np.testing.assert_array_equal(mean.toarray(), np.zeros((4, 4)))
