"""Rows without training."""

from __future__ import annotations

import numpy as np
import pytest

from napari_trsmi import score
from trsmi_benchmark.blocks import mean_over, neighbor_graph
from trsmi_benchmark.exchange import Block, Inputs
from trsmi_benchmark.naive import few_axes, hops, means, mixed_graph


def test_one_modality_is_that_one(tiny_inputs):
    z = means.one_modality(tiny_inputs, kind="protein").embedding
    features = tiny_inputs.block("protein").features
    centred = features - features.mean(axis=0)
    np.testing.assert_allclose(z, centred / np.sqrt((centred**2).sum(1).mean()), rtol=1e-4)


def test_spatial_means_are_means(tiny_inputs):
    plain, once, twice = (
        means.concatenated(tiny_inputs, hops=count).embedding for count in (0, 1, 2)
    )
    neighbors = neighbor_graph(tiny_inputs.coordinates, 6)[[3]].indices
    np.testing.assert_allclose(once[3], plain[[3, *neighbors]].mean(axis=0))
    np.testing.assert_allclose(twice[3], once[[3, *neighbors]].mean(axis=0))


def test_hops_are_rings_side_by_side():
    line = np.column_stack([np.arange(9.0), np.zeros(9)])
    rings = [ring.toarray() for ring in hops._rings(neighbor_graph(line, 1), 3)]
    for steps, ring in enumerate(rings, start=1):
        assert np.flatnonzero(ring[4]).tolist() == [4 - steps, 4 + steps]
    features = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    inputs = Inputs((Block("rna", "rna", features, None),), line, 2)
    z = hops.side_by_side_hops(inputs).embedding
    assert z.shape == (9, 8)
    near, far = (np.flatnonzero(r.toarray()[0]) for r in [*hops._rings(neighbor_graph(line, 6), 2)])
    assert near.tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(z[0, 2:4], z[near, :2].mean(axis=0))
    np.testing.assert_allclose(z[0, 4:6], z[far, :2].mean(axis=0))


@pytest.fixture
def striped():
    """Three stripes in two of thirty components; the loudest components know nothing of space."""
    rng = np.random.default_rng(0)
    grid = np.column_stack([np.arange(900) % 30, np.arange(900) // 30]).astype(float)
    stripe = (np.arange(900) % 30) // 10
    features = rng.normal(size=(900, 30)) * np.linspace(3, 1, 30)
    features[:, -2:] += np.array([[0, 0], [3, 0], [0, 3]])[stripe]
    return Inputs((Block("rna", "rna", features.astype(np.float32), None),), grid, 3), stripe


def test_few_axes_find_what_is_smooth(striped):
    inputs, stripe = striped
    mean = mean_over(neighbor_graph(inputs.coordinates, 6), itself=False)
    scores, moran = few_axes.spatial_axes(inputs.features[0], mean, 4)
    assert scores.shape == (900, 4)
    assert moran[:2].min() > 0.3 > 0.2 > moran[2:].max()
    output = few_axes.run(inputs, n_axes=2)
    assert score(stripe, output.domains).ari > 70
    again = few_axes.run(inputs, n_axes=2)
    np.testing.assert_array_equal(again.domains, output.domains)


def test_the_mixed_graph_trusts_what_predicts(tiny_inputs):
    """Components that are noise in space and alike in features, and the other way round."""
    rng = np.random.default_rng(0)
    xy = tiny_inputs.coordinates
    in_space = mean_over(neighbor_graph(xy, 6), itself=False)
    smooth = np.sin(xy / np.ptp(xy) * 6) @ rng.normal(size=(2, 10))
    smooth = smooth + rng.normal(scale=2.0, size=(80, 10))
    types = rng.integers(3, size=80)
    scattered = rng.normal(size=(3, 10))[types] + rng.normal(scale=0.2, size=(80, 10))
    for x, is_spatial in ((smooth, True), (scattered, False)):
        standard = (x - x.mean(axis=0)) / x.std(axis=0)
        by_space, by_features = mixed_graph._held_out_weights(standard, in_space, 10, rng)
        assert bool(by_space > by_features) is is_spatial


def test_nothing_to_hold_out_is_half_and_half(tiny_inputs):
    in_space = mean_over(neighbor_graph(tiny_inputs.coordinates, 6), itself=False)
    found = mixed_graph._held_out_weights(np.ones((80, 1)), in_space, 5, np.random.default_rng(0))
    assert found.tolist() == [1, 1]
