import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import oas

from napari_trsmi.graphs.autocorrelation import autocorrelation_factors, shrunk, signal_to_noise
from napari_trsmi.graphs.neighbors import spatial_graph


@pytest.fixture(scope="module")
def lattice():
    x, y = np.meshgrid(np.arange(14.0), np.arange(11.0))
    return np.column_stack([x.ravel(), y.ravel()])


@pytest.fixture(scope="module")
def spatial(lattice):
    return spatial_graph(lattice, 4)


def between_neighbors(values, spatial):
    """Half of the mean of (x_i - x_j)(x_i - x_j)ᵀ, edge by edge."""
    edges = spatial.tocoo()
    apart = values[edges.row] - values[edges.col]
    return apart.T @ apart / (2 * len(apart))


@given(seed=st.integers(0, 2**16), n_features=st.integers(1, 7), n_factors=st.integers(1, 9))
def test_axes_are_in_units_of_the_noise_and_the_most_structured_comes_first(
    seed, n_features, n_factors, spatial, lattice
):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(len(lattice), n_features)) * rng.uniform(0.3, 3, n_features)
    features[:, 0] += lattice[:, 0]
    scores = autocorrelation_factors(features, spatial, n_factors=n_factors)
    size = min(n_features, n_factors)
    assert scores.shape == (len(lattice), size)
    axes = np.linalg.lstsq(features - features.mean(axis=0), scores, rcond=None)[0]
    noise = shrunk(between_neighbors(features, spatial), n_spots=len(lattice))
    np.testing.assert_allclose(axes.T @ noise @ axes, np.eye(size), atol=1e-3)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-8)
    covariance = scores.T @ scores / len(scores)
    np.testing.assert_allclose(covariance, np.diag(covariance.diagonal()), atol=1e-8)
    assert (np.diff(covariance.diagonal()) <= 1e-9).all()


@pytest.mark.parametrize("tiles", [2, 7])
def test_tiles_give_the_same_axes(spatial, lattice, tiles):
    features = np.random.default_rng(2).normal(size=(len(lattice), 5)).astype(np.float32)
    features += lattice[:, :1].astype(np.float32)
    whole = autocorrelation_factors(features, spatial, n_factors=3)
    tiled = autocorrelation_factors(features, spatial, n_factors=3, tiles=tiles)
    np.testing.assert_allclose(np.abs(tiled), np.abs(whole), rtol=1e-6, atol=1e-8)


@given(seed=st.integers(0, 2**16), n_spots=st.integers(2, 300), spread=st.floats(0, 3))
def test_shrinkage_is_that_of_scikit_learn(seed, n_spots, spread):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_spots, 4)) * np.exp(spread * rng.normal(size=4))
    expected, _ = oas(values, assume_centered=True)
    found = shrunk(values.T @ values / n_spots, n_spots=n_spots)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_scores_do_not_depend_on_a_turn_or_the_unit_of_the_features(spatial, lattice):
    rng = np.random.default_rng(1)
    features = rng.normal(size=(len(lattice), 4)) * [1, 2, 3, 4] + lattice[:, :1] / 5
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    one, other = (
        autocorrelation_factors(f, spatial, n_factors=2) for f in (features, features @ turn * 1e3)
    )
    np.testing.assert_allclose(np.abs(one), np.abs(other), rtol=1e-6, atol=1e-6)


def test_a_stripe_is_found_in_noise_that_is_larger(spatial, lattice):
    rng = np.random.default_rng(2)
    stripe = (lattice[:, 0] > 6).astype(float)
    features = 5 * rng.normal(size=(len(lattice), 1)) @ rng.normal(size=(1, 5))
    features += stripe[:, None] * [1, 0, 0, 0, 0] * 2 + 0.5 * rng.normal(size=features.shape)
    first = autocorrelation_factors(features, spatial, n_factors=1)[:, 0]
    assert abs(np.corrcoef(first, stripe)[0, 1]) > 0.6


def test_signal_to_noise_is_that_of_the_edges(spatial, lattice):
    rng = np.random.default_rng(3)
    values = np.column_stack([lattice[:, 0] + rng.normal(size=len(lattice)), rng.normal(size=154)])
    noise = between_neighbors(values, spatial).diagonal()
    expected = np.maximum(values.var(axis=0) / noise - 1, 1e-3)
    np.testing.assert_allclose(signal_to_noise(values, spatial), expected)


def test_features_that_are_the_same_everywhere_stay_finite(spatial, lattice):
    scores = autocorrelation_factors(np.ones((len(lattice), 3)), spatial, n_factors=2)
    assert np.isfinite(scores).all()
    assert np.isfinite(signal_to_noise(scores, spatial)).all()
