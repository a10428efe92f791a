import numpy as np
import pytest
from scipy.stats import multivariate_normal

from napari_trsmi.clustering import potts
from napari_trsmi.clustering.potts import sharpened
from napari_trsmi.graphs.neighbors import spatial_graph


@pytest.fixture(scope="module")
def halves():
    """Two halves of a lattice, told apart by each spot, and the spatial graph."""
    x, y = np.meshgrid(np.arange(16.0), np.arange(16.0))
    half = (x.ravel() > 7).astype(np.int64)
    rng = np.random.default_rng(0)
    scores = 5.0 * half[:, None] + rng.normal(size=(256, 2))
    return half, scores, spatial_graph(np.column_stack([x.ravel(), y.ravel()]), 4), x.ravel()


def test_a_blurred_boundary_goes_where_the_spots_say(halves):
    half, scores, spatial, x = halves
    blurred = (x > 9).astype(np.int64)
    assert (sharpened(blurred, scores, spatial) == half).mean() > 0.99


def test_a_single_spot_of_another_state_stays_with_its_neighbours(halves):
    half, scores, spatial, _ = halves
    outlier = np.flatnonzero(half == 0)[40]
    odd = scores.copy()
    odd[outlier] = 3.0  # nearer to the other half's mean, 5, than to its own, 0
    assert sharpened(half, odd, spatial)[outlier] == 0


def test_boundaries_that_are_right_stay(halves):
    half, scores, spatial, _ = halves
    assert (sharpened(half, scores, spatial) == half).all()


def test_one_domain_stays_one(halves):
    half, scores, spatial, _ = halves
    assert not sharpened(np.zeros_like(half), scores, spatial).any()


def test_a_sweep_is_the_formula(halves, monkeypatch):
    """One sweep against the densities of scipy and neighbours counted one by one."""
    _, scores, spatial, x = halves
    labels = (x > 9).astype(np.int64)
    monkeypatch.setattr(potts, "_SWEEPS", 1)
    means = np.array([scores[labels == k].mean(axis=0) for k in (0, 1)])
    within = scores - means[labels]
    covariance = within.T @ within / len(scores)
    covariance += potts._RIDGE * np.diag(covariance.diagonal())
    density = np.column_stack([multivariate_normal(m, covariance).logpdf(scores) for m in means])
    dense = spatial.toarray()
    around = np.column_stack([dense @ (labels == k) for k in (0, 1)])
    grid = np.linspace(*potts._COUPLINGS, 2000)

    def pseudo_likelihood(beta):
        logits = beta * around
        return np.mean(logits[np.arange(256), labels] - np.log(np.exp(logits).sum(axis=1)))

    beta = max(grid, key=pseudo_likelihood)
    expected = (density + beta * around).argmax(axis=1)
    assert (sharpened(labels, scores, spatial) == expected).mean() > 0.995


def test_every_sweep_can_be_stopped(halves):
    half, scores, spatial, _ = halves

    def stop():
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        sharpened(half, scores, spatial, check=stop)
