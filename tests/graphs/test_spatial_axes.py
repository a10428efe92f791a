"""Where the truth is known: components that space, the features or nothing predicts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.graphs.normalize import row_normalized
from napari_trsmi.graphs.spatial_axes import component_gains, spatial_axes

K = 10


def autocorrelation(components, space):
    """Moran's I of each column."""
    lagged = row_normalized(space) @ components
    return (components * lagged).sum(axis=0) / (components**2).sum(axis=0)


def test_axes_turn_and_nothing_else(space, fields):
    centred = fields.smooth(5) + fields.scattered(5)
    centred -= centred.mean(axis=0)
    axes = spatial_axes(centred, space)
    np.testing.assert_allclose(axes.T @ axes, np.eye(5), atol=1e-12)
    assert np.ptp(np.linalg.norm(centred @ axes, axis=1) / np.linalg.norm(centred, axis=1)) < 1e-9


def test_axes_take_apart_what_components_mix(space, fields):
    """Two smooth fields and three scattered ones, of one variance and mixed by a turn."""
    parts = np.hstack([fields.smooth(2), fields.scattered(3)])
    parts = (parts - parts.mean(axis=0)) / parts.std(axis=0)
    mixing, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))
    mixed = parts @ mixing
    assert np.sort(autocorrelation(mixed, space))[-2] < 0.5
    found = autocorrelation(mixed @ spatial_axes(mixed, space), space)
    assert (found[:2] > 0.85).all()
    assert (np.abs(found[2:]) < 0.15).all()


def test_what_is_not_spatial_loses_its_gain(space, fields):
    features = np.hstack([fields.smooth(6, 1), fields.scattered(6, 2), fields.noise(20, 3) / 2])
    gains = component_gains(features, space, k=K, seed=0)
    assert (gains[:6] > 0.95).all()
    assert (gains[6:12] < 0.1).all()


def test_components_at_the_level_of_noise_share_one_gain(space, fields):
    """Singly, their shares are chance, and gains would be too."""
    features = np.hstack([fields.smooth(3, 1), fields.scattered(6, 2), fields.noise(30, 3) / 2])
    gains = component_gains(features, space, k=K, seed=0)[9:]
    variances = features[:, 9:].var(axis=0)
    quiet = variances <= np.quantile(features.var(axis=0), 0.25)
    assert quiet.sum() >= 9
    np.testing.assert_allclose(gains[quiet], gains[quiet][0])
    # the others are a little louder than that, so they are close to it
    np.testing.assert_allclose(gains, gains[quiet][0], atol=0.25)


def test_constant_components_do_no_harm(space, fields):
    features = np.hstack([fields.smooth(2, 1), fields.scattered(4, 2), np.zeros((400, 6))])
    gains = component_gains(features, space, k=K, seed=0)
    assert np.isfinite(gains).all()
    assert (gains[:2] > 0.95).all()
    assert (gains[2:6] < 0.1).all()


@pytest.mark.parametrize("n_components", [0, 1])
def test_fewer_than_two_components_keep_their_gain(space, fields, n_components):
    gains = component_gains(fields.noise(n_components), space, k=K, seed=0)
    np.testing.assert_array_equal(gains, [1] * n_components)


TABLES = hnp.arrays(
    np.float64,
    st.tuples(st.integers(4, 30), st.integers(2, 7)),
    elements=st.floats(-1e3, 1e3, width=32),
)


@settings(max_examples=40, deadline=None)
@given(TABLES, st.integers(0, 2**31 - 1))
def test_ranges_hold_for_any_table(features, seed):
    space = spatial_graph(np.random.default_rng(0).normal(size=(len(features), 2)), 3)
    axes = spatial_axes(features - features.mean(axis=0), space)
    np.testing.assert_allclose(axes.T @ axes, np.eye(features.shape[1]), atol=1e-9)
    gains = component_gains(features, space, k=5, seed=seed)
    assert ((gains > 0) & (gains <= 1)).all()
    np.testing.assert_array_equal(component_gains(features, space, k=5, seed=seed), gains)
