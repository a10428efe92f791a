"""The gates end where space says: near for what changes fast, far for what is noisy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from napari_trsmi.graphs import reach as module
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.graphs.reach import spatial_reach

# eight steps with teleport .1: APPNP's coefficients
DIFFUSION = (*(0.1 * 0.9**i for i in range(8)), 0.9**8)


def reach(features, space, **options):
    return spatial_reach(features, space, local_gate=0.5, diffusion=DIFFUSION, **options)


def by_the_formula(features, space, local_gate, diffusion, seed):
    """The docstring's formula, in dense matrices, fitted to all hidden spots at once."""
    n = len(features)
    joined = space.toarray() + np.eye(n)
    mean = joined / joined.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    views, targets = [], []
    for _ in range(10):
        hidden = rng.permutation(n)[: int(np.ceil(0.05 * n))]
        seen = features.copy()
        seen[hidden] = 0
        near = (mean + local_gate * mean @ mean) @ seen
        far = sum(c * np.linalg.matrix_power(mean, i) @ near for i, c in enumerate(diffusion))
        views.append(np.column_stack([near[hidden].ravel(), far[hidden].ravel()]))
        targets.append(features[hidden].ravel())
    (by_near, by_far), _ = nnls(np.concatenate(views), np.concatenate(targets))
    return by_far / (by_near + by_far)


@pytest.mark.parametrize("local_gate", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("diffusion", [DIFFUSION, (0.2, 0.16, 0.64)])
def test_the_reach_is_that_of_the_formula(local_gate, diffusion):
    rng = np.random.default_rng(5)
    places = rng.random((180, 2)) * (2, 1)
    space = spatial_graph(places, 5)
    features = np.sin(4 * places @ rng.normal(size=(2, 5))) + 0.8 * rng.normal(size=(180, 5))
    features -= features.mean(axis=0)
    expected = by_the_formula(features, space, local_gate, diffusion, seed=0)
    assert 0.02 < expected < 0.98
    found = spatial_reach(features, space, local_gate=local_gate, diffusion=diffusion, seed=0)
    assert found == pytest.approx(expected, abs=2e-3)


def test_a_gradient_under_noise_is_told_by_the_region(space, fields):
    side = fields.side
    gradient = (np.arange(side**2) % side - (side - 1) / 2) / side
    assert reach(gradient[:, None] + 0.5 * fields.noise(4), space, seed=0) > 0.9


def test_sharp_fields_are_told_by_the_near_neighbours(space, fields):
    side = fields.side
    stripe = np.arange(side**2) % side // 2
    sharp = np.random.default_rng(0).normal(size=(side // 2, 6))[stripe]
    assert reach(sharp - sharp.mean(axis=0), space, seed=0) < 0.1


def test_more_noise_reaches_farther(space, fields):
    side = fields.side
    blocks = np.random.default_rng(0).normal(size=(16, 6))[
        np.arange(side**2) % side // 5 + 4 * (np.arange(side**2) // side // 5)
    ]
    reached = [reach(blocks + level * fields.noise(6), space, seed=0) for level in (0.1, 1, 3)]
    assert reached[0] < reached[1] <= reached[2]


def test_hidden_spots_do_not_predict_themselves(space, fields):
    """Noise has nothing but the spot itself to tell it by; the fit finds next to nothing."""
    values = fields.noise(8)
    values -= values.mean(axis=0)
    found = reach(values, space, seed=0)
    assert 0 <= found <= 1
    assert found == reach(values, space, seed=0)


@pytest.mark.parametrize("n_components", [1, 3])
def test_features_that_are_all_alike_reach_far(space, n_components):
    assert reach(np.zeros((space.shape[0], n_components)), space, seed=0) == 1.0


def test_many_spots_need_fewer_rounds(space, fields, monkeypatch):
    values = fields.smooth(4)
    of_all = reach(values, space, seed=0)
    drawn = []
    permutation = np.random.Generator.permutation

    class Counting(np.random.Generator):
        def permutation(self, *args, **options):
            drawn.append(args)
            return permutation(self, *args, **options)

    monkeypatch.setattr(np.random, "default_rng", lambda s: Counting(np.random.PCG64(s)))
    monkeypatch.setattr(module, "_ENOUGH", 50)
    few = reach(values, space, seed=0)
    assert len(drawn) == 3  # 20 of 400 spots at a time
    assert few == pytest.approx(of_all, abs=0.2)


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 60), st.integers(1, 5), st.integers(0, 10**6), st.floats(1e-6, 1e6))
def test_it_lies_in_0_to_1_whatever_the_scale(n, n_components, seed, scale):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, n_components))
    values -= values.mean(axis=0)
    space = spatial_graph(rng.normal(size=(n, 2)), 4)
    found = reach(values, space, seed=seed)
    assert 0 <= found <= 1
    assert reach(values * scale, space, seed=seed) == pytest.approx(found, abs=1e-3)
