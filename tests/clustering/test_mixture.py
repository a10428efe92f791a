import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from napari_trsmi.clustering import mixture as mixture_module
from napari_trsmi.clustering.mixture import fit_mixture


def test_it_recovers_blobs_with_a_shared_covariance(blobs):
    points, truth = blobs()
    mixture = fit_mixture(points, 4, seed=0)
    assert adjusted_rand_score(truth, mixture.labels) == 1
    assert (mixture.confidence > 0.99).all()


@pytest.mark.parametrize("seed", range(3))
def test_it_is_at_least_as_likely_as_a_single_random_start(blobs, seed):
    points, _ = blobs((30,) * 6, apart=4.0, seed=seed)
    points = np.clip(points - points.mean(axis=0), *(points.std(axis=0) * [[-2.5], [2.5]]))
    points = points / points.std(axis=0).max()  # nothing to pull in, nothing to scale
    mixture = fit_mixture(points, 6, seed=seed)
    for start in range(5):
        single = GaussianMixture(
            6, covariance_type="tied", init_params="random_from_data", random_state=start
        ).fit(points)
        assert mixture.log_likelihood >= single.score(points) - 1e-3


def test_moves_are_made_from_the_best_fits_that_differ(blobs, monkeypatch):
    """The most likely start may be where no move helps, so what it comes to is not all."""
    points, truth = blobs((40,) * 6, apart=12.0)

    def stuck(whole, halved):
        """Two clusters in one, and another one in two: EM does not get out of that."""
        labels = np.where(truth == whole + 1, whole, truth)
        middle = np.median(points[truth == halved, 0])
        return np.where((truth == halved) & (points[:, 0] > middle), whole + 1, labels)

    pairs = [(0, 5), (0, 5), *((whole, halved) for whole in range(5) for halved in (0, 3, 5))]
    starts = [(points, stuck(*pair)) for pair in pairs if pair[1] - pair[0] not in (0, 1)]
    monkeypatch.setattr(mixture_module, "_starts", lambda seen, *args: starts)
    rearranged = []

    def second_is_mended(model, seen, tried, check):
        rearranged.append(model.likelihood)
        if len(rearranged) < 2:
            return model
        right = mixture_module._of_partition(seen.numpy(), truth, seen)
        return mixture_module.fitted(seen, [right], ridge=1e-6)[0]

    monkeypatch.setattr(mixture_module, "_rearranged", second_is_mended)
    monkeypatch.setattr(mixture_module, "winsorized", lambda values, **_: values)
    mixture = fit_mixture(points, 6, seed=0)
    assert len(rearranged) == 2
    assert (np.diff(rearranged) <= -1e-3).all()
    assert mixture.log_likelihood > rearranged[0]
    assert adjusted_rand_score(truth, mixture.labels) == 1


def test_confidence_is_low_between_clusters(blobs):
    points, truth = blobs((100, 100), d=1, apart=2.0)
    mixture = fit_mixture(points, 2, seed=0)
    middle = np.mean([points[truth == k].mean() for k in range(2)])
    order = np.argsort(np.abs(points.ravel() - middle))
    assert mixture.confidence.min() >= 0.5
    assert mixture.confidence[order[:5]].max() < 0.9
    assert mixture.confidence[order[-50:]].min() > 0.99


def test_labels_do_not_depend_on_the_unit_of_the_points(blobs):
    points, _ = blobs(apart=5.0)
    one, other = (fit_mixture(points * unit, 4, seed=0).labels for unit in (1e-5, 1e4))
    assert adjusted_rand_score(one, other) == 1


def test_the_same_seed_gives_the_same_fit(blobs):
    points, _ = blobs(apart=3.0)
    first, again = (fit_mixture(points, 4, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.labels, again.labels)
    np.testing.assert_array_equal(first.confidence, again.confidence)


def test_points_that_em_does_not_see_are_labelled_too(blobs):
    points, truth = blobs()
    train = np.arange(0, len(points), 2)
    mixture = fit_mixture(points, 4, seed=0, train=train)
    assert len(mixture.labels) == len(points)
    assert adjusted_rand_score(truth, mixture.labels) == 1


def test_a_large_table_is_sampled(blobs, monkeypatch):
    monkeypatch.setattr(mixture_module, "_WARD_SPOTS", 40)
    monkeypatch.setattr(mixture_module, "_EM_SPOTS", 70)
    points, truth = blobs()
    mixture = fit_mixture(points, 4, seed=0)
    assert adjusted_rand_score(truth, mixture.labels) == 1


def test_bic_is_lowest_at_the_true_number(blobs):
    points, _ = blobs()
    bic = [fit_mixture(points, k, seed=0).bic for k in range(2, 8)]
    assert int(np.argmin(bic)) + 2 == 4


def test_a_single_dimension_and_a_constant_one_do_no_harm(blobs):
    points, truth = blobs((50, 50), d=1, apart=30.0)
    assert adjusted_rand_score(truth, fit_mixture(points, 2, seed=0).labels) == 1
    with_constant = np.column_stack([points, np.full(len(points), 3.0)])
    assert adjusted_rand_score(truth, fit_mixture(with_constant, 2, seed=0).labels) == 1


@pytest.mark.parametrize("spread", [0.0, 1e-4])
@pytest.mark.parametrize("k", [2, 5])
def test_points_that_hardly_differ_are_no_trouble(spread, k):
    """EM takes the variance as a difference of squares, which far from 0 is rounding alone."""
    points = 1e6 + spread * np.random.default_rng(0).normal(size=(100, 5))
    found = fit_mixture(points, k, seed=0)
    assert np.isfinite(found.confidence).all()
    assert len(np.unique(found.labels)) == (k if spread else 1)


def test_a_spot_far_beyond_all_others_is_no_trouble():
    points = np.random.default_rng(0).normal(size=(197, 4))
    points[0] = 5e15
    assert np.isfinite(fit_mixture(points, 4, seed=0).confidence).all()
