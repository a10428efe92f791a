"""A fit that stopped with two components on one cluster and one on two."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from napari_trsmi.clustering import mixture
from napari_trsmi.clustering.smem import smem_moves


def fitted(points, means, *, steps=300):
    precision = np.linalg.inv(np.cov(points.T) / 4)
    return GaussianMixture(
        len(means), covariance_type="tied", means_init=means, precisions_init=precision,
        max_iter=steps,
    ).fit(points)  # fmt: skip


@pytest.fixture
def stuck(blobs):
    """Points, their clusters, and a fit with means 0 and 1 on cluster 0, mean 2 on 1 and 2."""
    points, truth = blobs((60,) * 5, apart=12.0)
    at = np.stack([points[truth == c].mean(axis=0) for c in range(5)])
    model = fitted(points, np.stack([at[0] - 0.5, at[0] + 0.5, (at[1] + at[2]) / 2, *at[3:]]))
    assert adjusted_rand_score(truth, model.predict(points)) < 0.9
    return points, truth, model


def test_moves_keep_the_number_of_components_and_their_total_weight(stuck):
    points, _, model = stuck
    moves = list(smem_moves(model, points))
    assert 0 < len(moves) <= 32
    for weights, means in moves:
        assert means.shape == (5, 4)
        assert weights.sum() == pytest.approx(1)
        assert (weights > 0).all()
        # one is merged, two come of the split: two components stay as they were
        same = np.isclose(means[:, None], model.means_).all(axis=2).any(axis=1)
        assert same.sum() == 2


def test_one_of_them_mends_the_fit(stuck):
    points, truth, model = stuck
    mended = [fitted(points, means) for _, means in smem_moves(model, points)]
    best = max(mended, key=lambda m: m.lower_bound_)
    assert best.lower_bound_ > model.lower_bound_ + 0.1
    assert adjusted_rand_score(truth, best.predict(points)) == 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_component_without_points_does_no_harm(blobs):
    points, _ = blobs((40,) * 3)
    model = fitted(points, np.stack([*points[[0, 40, 80]], points[0]]), steps=1)
    model.means_[3] += 1e6
    for weights, means in smem_moves(model, points):
        assert np.isfinite(weights).all()
        assert np.isfinite(means).all()


@pytest.mark.parametrize("k", [1, 2])
def test_there_are_none_for_fewer_than_three_components(blobs, k):
    points, _ = blobs((40,) * 3)
    assert list(smem_moves(fitted(points, points[:k]), points)) == []


def test_a_fit_that_starts_badly_ends_well(stuck, monkeypatch):
    points, truth, model = stuck
    start = (points, model.predict(points))
    monkeypatch.setattr(mixture, "_starts", lambda *_: [start])

    def score(*, rearrange):
        found = mixture.fit_mixture(points, 5, seed=0, rearrange=rearrange)
        return adjusted_rand_score(truth, found.labels)

    assert score(rearrange=False) < 0.9
    assert score(rearrange=True) == 1
