import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from napari_trsmi.clustering.gaussians import Gaussians, fitted, whitening

RIDGE = 1e-6


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    group = rng.integers(3, size=600)
    cloud = 2.5 * np.eye(3)[group] @ rng.normal(size=(3, 4)) + rng.normal(size=(600, 4))
    return cloud - cloud.mean(axis=0)


@pytest.fixture(scope="module")
def start(points):
    return Gaussians(np.array([0.5, 0.3, 0.2]), points[[3, 77, 410]], whitening(np.cov(points.T)))


def reference(points, start, steps):
    """The same fit by scikit-learn."""
    return GaussianMixture(
        3,
        covariance_type="tied",
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=start.whiten @ start.whiten.T,
        reg_covar=RIDGE,
        max_iter=steps,
        tol=1e-4,
    ).fit(points)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("steps", [1, 8, 300])
def test_em_is_that_of_scikit_learn(points, start, steps):
    ours = fitted(points, start, ridge=RIDGE, steps=steps)
    theirs = reference(points, start, steps)
    np.testing.assert_allclose(ours.weights, theirs.weights_, rtol=1e-9)
    np.testing.assert_allclose(ours.means, theirs.means_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.whiten, theirs.precisions_cholesky_, rtol=1e-7, atol=1e-9)
    assert ours.likelihood == pytest.approx(theirs.lower_bound_, abs=1e-9)
    np.testing.assert_allclose(ours.posterior(points), theirs.predict_proba(points), atol=1e-9)
    assert ours.bic(points) == pytest.approx(theirs.bic(points), rel=1e-9)


def test_points_far_from_all_gaussians_have_a_posterior(start):
    far = 1e6 * np.ones((2, 4))
    np.testing.assert_allclose(start.posterior(far).sum(axis=1), 1)


def test_a_gaussian_that_loses_all_points_leaves_the_others_whole(points, start):
    with_idle = Gaussians(
        np.append(start.weights * 0.99, 0.01),
        np.vstack([start.means, np.full(4, 1e3)]),
        start.whiten,
    )
    found = fitted(points, with_idle, ridge=RIDGE)
    assert found.weights[3] < 1e-12
    assert np.isfinite(found.posterior(points)).all()
    np.testing.assert_allclose(found.means[:3], fitted(points, start, ridge=RIDGE).means, atol=1e-2)
