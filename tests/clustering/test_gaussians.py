import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from napari_trsmi.clustering import gaussians
from napari_trsmi.clustering.gaussians import Gaussians, fitted, whitening

RIDGE = 1e-6


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    group = rng.integers(3, size=600)
    cloud = 2.5 * np.eye(3)[group] @ rng.normal(size=(3, 4)) + rng.normal(size=(600, 4))
    return torch.from_numpy(cloud - cloud.mean(axis=0))


def at(points, places, weights):
    return Gaussians.of(np.array(weights), points[places].numpy(), whitening(torch.cov(points.T)))


@pytest.fixture(scope="module")
def start(points):
    return at(points, [3, 77, 410], [0.5, 0.3, 0.2])


def posterior(mixture, points):
    return torch.cat(list(mixture.posterior(points))).numpy()


def reference(points, start, steps):
    """The same fit by scikit-learn."""
    return GaussianMixture(
        3,
        covariance_type="tied",
        weights_init=start.weights.numpy(),
        means_init=start.means.numpy(),
        precisions_init=(start.whiten @ start.whiten.T).numpy(),
        reg_covar=RIDGE,
        max_iter=steps,
        tol=1e-4,
    ).fit(points.numpy())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("steps", [1, 8, 300])
def test_em_is_that_of_scikit_learn(points, start, steps):
    (ours,) = fitted(points, [start], ridge=RIDGE, steps=steps)
    theirs = reference(points, start, steps)
    np.testing.assert_allclose(ours.weights, theirs.weights_, rtol=1e-9)
    np.testing.assert_allclose(ours.means, theirs.means_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.whiten, theirs.precisions_cholesky_, rtol=1e-7, atol=1e-9)
    assert ours.likelihood == pytest.approx(theirs.lower_bound_, abs=1e-9)
    np.testing.assert_allclose(
        posterior(ours, points), theirs.predict_proba(points.numpy()), atol=1e-9
    )
    assert ours.bic(points) == pytest.approx(theirs.bic(points.numpy()), rel=1e-9)


def test_many_starts_end_where_each_does_alone(points, start, monkeypatch):
    """Also those of another number of Gaussians, and where points come in blocks."""
    starts = [start, at(points, [1, 2], [0.5, 0.5]), at(points, [9, 300, 599], [0.1, 0.3, 0.6])]
    alone = [fitted(points, [each], ridge=RIDGE)[0] for each in starts]
    monkeypatch.setitem(gaussians._AT_ONCE, "cpu", 600)
    together = fitted(points, starts, ridge=RIDGE)
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.means, other.means, rtol=1e-9)
        np.testing.assert_allclose(one.whiten, other.whiten, rtol=1e-9)
        assert one.likelihood == pytest.approx(other.likelihood, abs=1e-12)
        np.testing.assert_allclose(posterior(one, points), posterior(other, points), atol=1e-9)


def test_it_can_be_stopped_between_two_steps(points, start):
    steps = iter(range(2))
    with pytest.raises(StopIteration):
        fitted(points, [start], ridge=RIDGE, check=lambda: next(steps))


def test_points_far_from_all_gaussians_have_a_posterior(start):
    far = 1e6 * torch.ones((2, 4), dtype=torch.float64)
    np.testing.assert_allclose(posterior(start, far).sum(axis=1), 1)


def test_a_gaussian_that_loses_all_points_leaves_the_others_whole(points, start):
    with_idle = Gaussians(
        torch.cat([start.weights * 0.99, start.weights.new_tensor([0.01])]),
        torch.cat([start.means, start.means.new_full((1, 4), 1e3)]),
        start.whiten,
    )
    (found,) = fitted(points, [with_idle], ridge=RIDGE)
    assert found.weights[3] < 1e-12
    assert np.isfinite(posterior(found, points)).all()
    (without,) = fitted(points, [start], ridge=RIDGE)
    np.testing.assert_allclose(found.means[:3], without.means, atol=1e-2)
