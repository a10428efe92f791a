import random

import igraph
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from napari_trsmi.clustering.leiden import leiden_domains
from napari_trsmi.errors import InputError


@pytest.fixture(scope="module")
def points(blobs):
    return blobs((50, 40, 30, 30), apart=20.0)


def test_it_finds_the_number_asked_for(points):
    embedding, truth = points
    labels, confidence = leiden_domains(embedding, n_domains=4, resolution=1.0, seed=0)
    assert adjusted_rand_score(truth, labels) == 1
    assert np.unique(labels).tolist() == [0, 1, 2, 3]
    assert (confidence > 0.9).all()


def test_a_higher_resolution_gives_more_domains(points):
    counts = [
        len(np.unique(leiden_domains(points[0], n_domains=None, resolution=r, seed=0)[0]))
        for r in (0.1, 1.0, 8.0)
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_confidence_is_the_share_of_neighbours_in_the_same_domain(points):
    _, confidence = leiden_domains(points[0], n_domains=None, resolution=8.0, seed=0)
    assert ((confidence >= 0) & (confidence <= 1)).all()
    assert confidence.min() < 0.9  # blobs cut in two have neighbours across the cut
    _, sure = leiden_domains(points[0], n_domains=None, resolution=0.0, seed=0)
    assert (sure == 1).all()


def test_the_same_seed_gives_the_same_labels_and_leaves_pythons_random_numbers_alone():
    noise = np.random.default_rng(0).normal(size=(150, 4))  # where starts matter
    found = []
    for state in range(3):
        if state:
            igraph.set_random_number_generator(None)  # as scanpy's Leiden leaves it
        random.seed(state)
        before = random.getstate()
        found.append(leiden_domains(noise, n_domains=None, resolution=2.0, seed=5)[0])
        assert random.getstate() == before
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.parametrize(("wanted", "nearest"), [(2, "3"), (61, "60")])
def test_a_number_that_no_resolution_gives_is_an_error_that_names_the_nearest(wanted, nearest):
    """Three kinds of spots without a bridge between them, twenty spots of each."""
    rng = np.random.default_rng(0)
    cliques = np.repeat(np.eye(3), 20, axis=0) + 1e-4 * rng.normal(size=(60, 3))
    with pytest.raises(InputError, match=rf"no {wanted} domains.* {nearest}\b.*'mixture'"):
        leiden_domains(cliques, n_domains=wanted, resolution=1.0, seed=0)


def test_fewer_spots_than_neighbours_are_enough(blobs):
    embedding, _ = blobs((5, 5), apart=50.0)
    labels, _ = leiden_domains(embedding, n_domains=None, resolution=1.0, seed=0)
    assert len(labels) == 10
