import numpy as np
import pytest
from scipy.stats import multivariate_t
from sklearn.metrics import adjusted_rand_score

from napari_trsmi.clustering import split_and_merge as split_merge
from napari_trsmi.clustering.split_and_merge import split_and_merge


@pytest.mark.parametrize("sizes", [(90,), (60, 40, 30), (60, 50, 45, 40, 40, 35, 30)])
@pytest.mark.parametrize("start", [2, 10])
def test_the_number_of_separated_blobs_is_found_by_splitting_and_by_merging(
    blobs, sizes, start, monkeypatch
):
    monkeypatch.setattr(split_merge, "_START", start)
    points, truth = blobs(sizes, apart=25.0)
    labels = split_and_merge(points)
    assert adjusted_rand_score(truth, labels) == 1


@pytest.mark.parametrize("wanted", [2, 4, 7])
def test_a_number_that_is_given_is_kept(blobs, wanted):
    points, truth = blobs((50, 40, 30, 20))
    labels = split_and_merge(points, n_clusters=wanted)
    assert np.unique(labels).tolist() == list(range(wanted))
    if wanted == 4:
        assert adjusted_rand_score(truth, labels) == 1


def test_the_same_seed_gives_the_same_partition(blobs):
    points, _ = blobs(apart=3.0)
    np.testing.assert_array_equal(split_and_merge(points, seed=5), split_and_merge(points, seed=5))


def test_points_beyond_those_looked_at_are_assigned(blobs, monkeypatch):
    monkeypatch.setattr(split_merge, "_SPOTS", 60)
    points, truth = blobs(apart=25.0)
    assert adjusted_rand_score(truth, split_and_merge(points, n_clusters=4)) == 1


def test_the_marginal_likelihood_is_the_product_of_its_predictive_densities(blobs):
    """Bayes one point after the other: each has a multivariate t given those before it."""
    points, _ = blobs((12,), d=3)
    prior = split_merge._Prior(points)
    p, kappa, nu, mean, scale = 3, prior.kappa, prior.nu, prior.mean, prior.scale
    total = 0.0
    for x in points:
        freedom = nu - p + 1
        spread = scale * (kappa + 1) / (kappa * freedom)
        total += multivariate_t(mean, spread, df=freedom).logpdf(x)
        offset = x - mean
        scale = scale + kappa / (kappa + 1) * np.outer(offset, offset)
        mean = (kappa * mean + x) / (kappa + 1)
        kappa, nu = kappa + 1, nu + 1
    assert prior.log_marginal(points) == pytest.approx(total)


def test_few_points_and_one_dimension_do_no_harm(blobs):
    assert len(split_and_merge(blobs((3,))[0])) == 3
    points, truth = blobs((40, 40), d=1, apart=60.0)
    assert adjusted_rand_score(truth, split_and_merge(points, n_clusters=2)) == 1
