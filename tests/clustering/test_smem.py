"""A fit that stopped with two components on one cluster and one on two."""

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from napari_trsmi.clustering import mixture
from napari_trsmi.clustering.gaussians import Gaussians, fitted, whitening
from napari_trsmi.clustering.smem import smem_moves


def fit(points, start):
    return fitted(torch.from_numpy(points), [start], ridge=1e-6)[0]


def at_means(points, means):
    even = np.full(len(means), 1 / len(means))
    return Gaussians.of(even, means, whitening(torch.from_numpy(np.cov(points.T) / 4)))


def labels(model, points):
    return torch.cat(list(model.posterior(torch.from_numpy(points)))).argmax(dim=1).numpy()


def moves_of(model, points):
    return list(smem_moves(model, torch.from_numpy(points)))


@pytest.fixture
def stuck(blobs):
    """Points, their clusters, and a fit with means 0 and 1 on cluster 0, mean 2 on 1 and 2."""
    points, truth = blobs((60,) * 5, apart=12.0)
    at = np.stack([points[truth == c].mean(axis=0) for c in range(5)])
    means = np.stack([at[0] - 0.5, at[0] + 0.5, (at[1] + at[2]) / 2, *at[3:]])
    model = fit(points, at_means(points, means))
    assert adjusted_rand_score(truth, labels(model, points)) < 0.9
    return points, truth, model


def test_moves_keep_the_number_of_components_and_their_total_weight(stuck):
    points, _, model = stuck
    moves = moves_of(model, points)
    assert 0 < len(moves) <= 32
    for move in moves:
        assert move.means.shape == (5, 4)
        assert float(move.weights.sum()) == pytest.approx(1)
        assert (move.weights > 0).all()
        # one is merged, two come of the split: two components stay as they were
        same = np.isclose(move.means[:, None], model.means).all(axis=2).any(axis=1)
        assert same.sum() == 2


def test_one_of_them_mends_the_fit(stuck):
    points, truth, model = stuck
    mended = [fit(points, move) for move in moves_of(model, points)]
    best = max(mended, key=lambda m: m.likelihood)
    assert best.likelihood > model.likelihood + 0.1
    assert adjusted_rand_score(truth, labels(best, points)) == 1


def test_a_component_without_points_does_no_harm(blobs):
    points, _ = blobs((40,) * 3)
    model = at_means(points, np.stack([*points[[0, 40, 80]], points[0]]))
    model.means[3] += 1e6
    for move in moves_of(model, points):
        assert move.weights.isfinite().all()
        assert move.means.isfinite().all()


@pytest.mark.parametrize("k", [1, 2])
def test_there_are_none_for_fewer_than_three_components(blobs, k):
    points, _ = blobs((40,) * 3)
    model = fit(points, at_means(points, points[:k]))
    assert moves_of(model, points) == []


def test_a_fit_that_starts_badly_ends_well(stuck, monkeypatch):
    points, truth, model = stuck
    start = (points, labels(model, points))
    monkeypatch.setattr(mixture, "_starts", lambda *_: [start])

    def score(*, rearrange):
        found = mixture.fit_mixture(points, 5, seed=0, rearrange=rearrange)
        return adjusted_rand_score(truth, found.labels)

    assert score(rearrange=False) < 0.9
    assert score(rearrange=True) == 1
