"""Where the truth is known: components that space, the features or nothing predicts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.graphs.weights import GraphWeights, predictive_weights

K = 10


def test_space_is_preferred_where_the_features_neighbours_know_nothing(space, fields):
    weights = predictive_weights(
        fields.smooth(4) + 0.3 * fields.noise(4), space, k=K, power=1, seed=0
    )
    assert weights.spatial > 0.8
    assert weights.held_out_r2 > 0.5


def test_the_feature_graph_is_preferred_where_space_knows_nothing(space, fields):
    weights = predictive_weights(fields.scattered(8), space, k=K, power=1, seed=0)
    assert weights.feature > 0.9
    assert weights.held_out_r2 > 0.8


def test_noise_is_explained_by_neither(space, fields):
    assert predictive_weights(fields.noise(8), space, k=K, power=1, seed=0).held_out_r2 < 0.05


def test_the_held_out_spot_does_not_predict_itself():
    """Neighbour means of everybody else run against the spot: neither graph is of use."""
    points = np.random.default_rng(0).normal(size=(6, 4))
    weights = predictive_weights(points, spatial_graph(points[:, :2], 5), k=5, power=3, seed=0)
    assert (weights.spatial, weights.feature) == (0.5, 0.5)
    assert weights.held_out_r2 == pytest.approx(0)


def test_power_sharpens_the_choice(space, fields):
    features = fields.smooth(6) + fields.scattered(6) / 3
    found = [
        predictive_weights(features, space, k=K, power=power, seed=0).feature
        for power in (0, 1, 2, 8)
    ]
    assert found[0] == 0.5
    assert (np.diff(np.abs(np.array(found) - 0.5)) > 0).all()


def test_a_mean_over_more_neighbours_is_not_preferred_for_varying_less(space, fields):
    """Many neighbours in the features, each of little use, against a few good ones in space."""
    features = fields.smooth(12) + 2 * fields.noise(12)
    few, many = (predictive_weights(features, space, k=k, power=2, seed=0) for k in (3, 40))
    assert min(few.spatial, many.spatial) > 0.8


@pytest.mark.parametrize("floors", [(0, 0), (0.25, 0.35), (0.5, 0.5)])
def test_neither_graph_falls_below_its_floor(space, fields, floors):
    by_space, by_features = (
        predictive_weights(features, space, k=K, power=4, floors=floors, seed=0)
        for features in (fields.smooth(4), fields.scattered(8))
    )
    for weights in (by_space, by_features):
        assert (weights.spatial >= floors[0], weights.feature >= floors[1]) == (True, True)
        assert weights.spatial + weights.feature == pytest.approx(1)
    if floors != (0, 0):
        assert by_space.feature == pytest.approx(floors[1])
        assert by_features.spatial == pytest.approx(floors[0])


@pytest.mark.parametrize("n_components", [0, 1])
def test_fewer_than_two_components_cannot_be_halved(space, fields, n_components):
    features = fields.noise(n_components)
    weights = predictive_weights(features, space, k=K, power=3, seed=0)
    assert (weights.spatial, weights.feature) == (0.5, 0.5)
    assert np.isnan(weights.held_out_r2)


def test_the_published_start_is_even():
    assert (GraphWeights.even().spatial, GraphWeights.even().feature) == (0.5, 0.5)


TABLES = hnp.arrays(
    np.float64,
    st.tuples(st.integers(4, 30), st.integers(2, 7)),
    elements=st.floats(-1e3, 1e3, width=32),
)


@settings(max_examples=40, deadline=None)
@given(TABLES, st.floats(0, 10), st.integers(0, 2**31 - 1))
def test_ranges_hold_for_any_table(features, power, seed):
    space = spatial_graph(np.random.default_rng(0).normal(size=(len(features), 2)), 3)
    weights = predictive_weights(features, space, k=5, power=power, seed=seed)
    assert min(weights.spatial, weights.feature) >= 0
    assert weights.spatial + weights.feature == pytest.approx(1)
    assert weights.held_out_r2 <= 1 + 1e-9
    again = predictive_weights(features, space, k=5, power=power, seed=seed)
    assert again == weights
