"""Edges across boundaries weigh little, and only they do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_trsmi.graphs import contrast
from napari_trsmi.graphs.contrast import weighted_by_contrast
from napari_trsmi.graphs.neighbors import spatial_graph


@pytest.fixture
def halves(fields):
    """Features of two domains, left and right, under noise; which spots are on the right."""
    right = np.arange(fields.side**2) % fields.side >= fields.side // 2
    return 4 * right[:, None] + fields.noise(6), right


def means(weighted, mask):
    """Mean weight of the edges between the spots of a mask and the others, and of all others."""
    edges = weighted.tocoo()
    across = mask[edges.row] != mask[edges.col]
    return edges.data[across].mean(), edges.data[~across].mean()


def by_the_formula(space, features, half):
    """The docstring's formula, in dense matrices and float64."""
    n = space.shape[0]
    joined = space.toarray() + np.eye(n)
    mean = joined / joined.sum(axis=1, keepdims=True)
    edges = space.toarray() > 0
    total = np.zeros((n, n))
    for values in features:
        smooth = mean @ mean @ values
        noise = mean @ mean @ ((values - mean @ values) ** 2).sum(axis=1)
        apart = ((smooth[:, None] - smooth[None]) ** 2).sum(axis=2)
        found = apart / (noise[:, None] + noise[None])
        total += found / np.median(found[edges])
    relative = total / np.median(total[edges])
    return np.where(edges, 1 / (1 + (relative / half) ** 2), 0)


@pytest.mark.parametrize("half", [0.7, 2.5])
def test_weights_are_those_of_the_formula(half):
    """Irregular spots, so that each smoothing and each normalisation makes a difference."""
    rng = np.random.default_rng(3)
    places = rng.random((150, 2)) * (3, 1)
    space = spatial_graph(places, 5)
    loud = 1 + 4 * places[:, :1]
    features = [loud * rng.normal(size=(150, 4)), np.sin(3 * places) + rng.normal(size=(150, 2))]
    weighted = weighted_by_contrast(space, features, half=half).toarray()
    np.testing.assert_allclose(weighted, by_the_formula(space, features, half), rtol=2e-4)


def test_edges_across_a_boundary_weigh_little(space, halves):
    features, right = halves
    across, within = means(weighted_by_contrast(space, [features], half=2.5), right)
    assert across < 0.1
    assert within > 0.7


def test_a_boundary_that_one_modality_has_is_a_boundary(space, halves, fields):
    features, right = halves
    both = [fields.noise(4, seed=1), features, np.ones((len(right), 3))]
    across, within = means(weighted_by_contrast(space, both, half=2.5), right)
    assert across < 0.2
    assert within > 0.7


def test_spots_that_vary_more_are_no_boundary(space, fields):
    """Half of the spots with ten times the noise: their edges weigh what the others do."""
    loud = np.arange(fields.side**2) % fields.side >= fields.side // 2
    features = fields.noise(6) * np.where(loud, 10, 1)[:, None]
    edges = weighted_by_contrast(space, [features], half=2.5).tocoo()
    quiet_edges = ~loud[edges.row] & ~loud[edges.col]
    loud_edges = loud[edges.row] & loud[edges.col]
    assert edges.data[quiet_edges].mean() == pytest.approx(edges.data[loud_edges].mean(), abs=0.1)


def test_half_is_where_an_edge_weighs_a_half(space, halves):
    features, _ = halves
    contrast = {}
    for half in (1.0, 2.5, 10.0):
        weights = weighted_by_contrast(space, [features], half=half).data.astype(float)
        contrast[half] = half * np.sqrt(1 / weights - 1)
    assert np.median(contrast[1.0]) == pytest.approx(1, rel=1e-3)
    seen = contrast[1.0] < 30  # beyond, float32 cannot tell the weights from 0
    np.testing.assert_allclose(contrast[2.5][seen], contrast[1.0][seen], rtol=0.02, atol=0.02)


@pytest.mark.parametrize("features", [[np.ones((400, 3))], [], [np.zeros((400, 1))] * 2])
def test_without_contrast_all_edges_weigh_one(space, features):
    assert (weighted_by_contrast(space, features, half=2.5).data == 1).all()


def test_edges_are_looked_at_in_blocks(space, halves, monkeypatch):
    features, _ = halves
    at_once = weighted_by_contrast(space, [features], half=2.5)
    monkeypatch.setattr(contrast, "_BLOCK", 100)
    assert (weighted_by_contrast(space, [features], half=2.5) != at_once).nnz == 0


@settings(max_examples=50, deadline=None)
@given(
    st.integers(8, 60),
    st.integers(1, 5),
    st.integers(0, 10**6),
    st.floats(1e-3, 1e3),
    st.floats(1e-300, 1e6),
)
def test_the_pattern_stays_whatever_the_features(n, n_features, seed, scale, half):
    rng = np.random.default_rng(seed)
    space = spatial_graph(rng.normal(size=(n, 2)), 4)
    features = rng.standard_t(2, size=(n, n_features))
    weighted = weighted_by_contrast(space, [features], half=half)
    assert (weighted.indptr == space.indptr).all()
    assert (weighted.indices == space.indices).all()
    assert weighted.dtype == np.float32
    assert (weighted != weighted.T).nnz == 0
    assert weighted.data.min() > 0
    assert weighted.data.max() <= 1
    assert (space.data == 1).all()
    rescaled = weighted_by_contrast(space, [features * scale], half=half)
    np.testing.assert_allclose(rescaled.data, weighted.data, rtol=0.01)
