import numpy as np
import pandas as pd
import pytest

from napari_trsmi.clustering.n_domains import choose_n_domains, stability_curve


@pytest.mark.parametrize("sizes", [(60, 50, 40), (50, 40, 40, 35, 30)])
def test_separated_blobs_are_counted(blobs, sizes):
    points, _ = blobs(sizes)
    curve = stability_curve(points, smallest=2, largest=7, seed=0)
    assert curve["n_domains"].tolist() == [2, 3, 4, 5, 6, 7]
    assert choose_n_domains(curve) == len(sizes)
    assert curve["stability"].max() == pytest.approx(1)
    assert (curve["stability"] <= 1).all()
    assert curve["n_domains"][curve["bic"].idxmin()] == len(sizes)


def test_more_numbers_than_the_spots_can_tell_apart_are_not_tried(blobs):
    points, _ = blobs((20, 20))
    curve = stability_curve(points, smallest=2, largest=50, seed=0)
    assert curve["n_domains"].tolist() == [2, 3, 4]


def test_the_smallest_number_is_always_tried(blobs):
    points, _ = blobs((6, 6))
    assert stability_curve(points, smallest=3, largest=9, seed=0)["n_domains"].tolist() == [3]


def test_the_same_seed_gives_the_same_curve(blobs):
    points, _ = blobs((30, 30), apart=3.0)
    first, again = (stability_curve(points, smallest=2, largest=3, seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.parametrize(
    ("stability", "expected"),
    [([0.9, 0.7, 0.88, 0.6], 4), ([0.5, 0.99, 0.2, 0.1], 3), ([0.3, 0.3, 0.3, 0.3], 5)],
)
def test_the_largest_number_that_is_about_as_stable_as_the_best_is_chosen(stability, expected):
    curve = pd.DataFrame({"n_domains": np.arange(2, 6), "stability": stability})
    assert choose_n_domains(curve) == expected
