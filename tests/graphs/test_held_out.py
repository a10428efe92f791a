"""Each component is hidden from the graph that predicts it, as often as any other."""

import numpy as np

from napari_trsmi.graphs import held_out as module
from napari_trsmi.graphs.held_out import N_SPLITS, correlation, held_out

K = 10


def mean_correlation(features, space):
    """Of each component with its mean over similar spots."""
    found = np.zeros(features.shape[1])
    for part in held_out(features, space, k=K, seed=0):
        found[part.components] += correlation(part.in_features, part.values) / N_SPLITS
    return found


def test_every_component_is_held_out_once_a_split(space, fields):
    features = np.hstack([fields.smooth(3), fields.noise(4)])
    held = np.concatenate([p.components for p in held_out(features, space, k=K, seed=0)])
    np.testing.assert_array_equal(np.bincount(held), np.full(7, N_SPLITS))


def test_values_are_those_of_the_sampled_spots(space, fields, monkeypatch):
    monkeypatch.setattr(module, "_PROBES", 50)
    monkeypatch.setattr(module, "_CANDIDATES", 200)
    features = fields.noise(4)
    centred = features - features.mean(axis=0)
    for part in held_out(features, space, k=K, seed=0):
        assert part.values.shape == part.in_space.shape == part.in_features.shape
        assert len(part.values) == 50
        assert np.isin(part.values, centred[:, part.components]).all()


def test_a_sample_of_candidates_tells_what_all_of_them_do(space, fields, monkeypatch):
    features = np.hstack([fields.scattered(6, 1), fields.noise(6, 3)])
    of_all = mean_correlation(features, space)
    monkeypatch.setattr(module, "_PROBES", len(features) // 4)
    monkeypatch.setattr(module, "_CANDIDATES", len(features) // 2)
    assert of_all[:6].min() > 0.5 > of_all[6:].max()
    np.testing.assert_allclose(mean_correlation(features, space), of_all, atol=0.15)


def test_nothing_is_predicted_from_the_spot_itself(space, monkeypatch):
    """Spots all unlike each other: their own values would be all there is to predict from."""
    monkeypatch.setattr(module, "_CANDIDATES", 100)
    monkeypatch.setattr(module, "_PROBES", 100)
    noise = np.random.default_rng(0).normal(size=(space.shape[0], 8))
    assert mean_correlation(noise, space).max() < 0.3
