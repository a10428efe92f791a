import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import adjusted_rand_score

from napari_trsmi.clustering.domains import find_domains, match_to_reference, number_by_size
from napari_trsmi.config import Config
from napari_trsmi.errors import InputError, TrainingError

LABELS = hnp.arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 6))


def same_partition(left, right):
    return len(set(zip(left, right, strict=True))) == len(set(left)) == len(set(right))


@pytest.mark.parametrize("clustering", ["mixture", "leiden"])
@pytest.mark.parametrize("normalize_rows", [True, False])
def test_separated_domains_are_found_and_numbered_by_size(blobs, clustering, normalize_rows):
    points, truth = blobs((60, 45, 30, 20), apart=20.0)
    config = Config(n_domains=4, clustering=clustering, normalize_rows=normalize_rows)
    domains = find_domains(points + 30, config)
    if not normalize_rows:
        np.testing.assert_array_equal(domains.labels, truth + 1)
    assert adjusted_rand_score(truth, domains.labels) > 0.9
    assert np.bincount(domains.labels)[1:].tolist() == sorted(
        np.bincount(domains.labels)[1:], reverse=True
    )
    assert ((domains.confidence >= 0) & (domains.confidence <= 1)).all()
    assert domains.curve is None


def test_auto_returns_the_curve_that_it_chose_from(blobs):
    points, truth = blobs((50, 40, 30))
    domains = find_domains(points, Config(n_domains="auto", max_domains=5))
    np.testing.assert_array_equal(domains.labels, truth + 1)
    assert domains.curve["n_domains"].tolist() == [2, 3, 4, 5]


def test_leiden_without_a_number_follows_the_resolution(blobs):
    points, _ = blobs(apart=20.0)
    found = [
        find_domains(points, Config(clustering="leiden", leiden_resolution=r)).labels.max()
        for r in (0.1, 10.0)
    ]
    assert found[0] < found[1]


def test_normalised_rows_compare_directions(blobs):
    rng = np.random.default_rng(0)
    directions = np.repeat(np.eye(3), 30, axis=0) + 0.05 * rng.normal(size=(90, 3))
    far = directions * rng.lognormal(sigma=2, size=(90, 1))
    domains = find_domains(far, Config(n_domains=3, normalize_rows=True))
    assert adjusted_rand_score(np.repeat([0, 1, 2], 30), domains.labels) == 1


@pytest.mark.parametrize(("n_domains", "named"), [(4, 4), ("auto", 3)])
def test_too_few_spots_are_an_error_with_the_remedy(n_domains, named):
    config = Config(n_domains=n_domains, min_domains=3)
    with pytest.raises(InputError, match=f"5 spots are too few for {named} domains.*fewer"):
        find_domains(np.eye(5), config)


@settings(max_examples=60, deadline=None)
@given(LABELS)
def test_numbers_run_from_1_by_size_and_keep_the_partition(labels):
    numbers = number_by_size(labels)
    assert same_partition(labels, numbers)
    sizes = np.bincount(numbers)
    assert sizes[0] == 0
    assert (np.diff(sizes[1:]) <= 0).all()
    np.testing.assert_array_equal(number_by_size(numbers), numbers)


def test_domains_of_one_size_are_numbered_by_first_appearance():
    assert number_by_size(np.array([7, 2, 7, 2, 5])).tolist() == [1, 2, 1, 2, 3]


@settings(max_examples=60, deadline=None)
@given(LABELS, st.permutations(range(1, 8)))
def test_a_renumbered_partition_takes_the_references_numbers(labels, names):
    reference = np.array(names)[labels]
    np.testing.assert_array_equal(match_to_reference(labels + 1, reference), reference)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10**6))
def test_matching_keeps_the_partition_and_the_numbers_unique(n, seed):
    rng = np.random.default_rng(seed)
    labels, reference = rng.integers(1, 6, n), rng.integers(1, 4, n)
    matched = match_to_reference(labels, reference)
    assert same_partition(labels, matched)
    new = set(matched) - set(reference)
    assert new == set(range(reference.max() + 1, reference.max() + 1 + len(new)))


def test_domains_take_the_number_that_they_overlap_most_with():
    labels = np.array([1, 1, 1, 2, 2, 3])
    reference = np.array([5, 5, 2, 2, 2, 2])
    assert match_to_reference(labels, reference).tolist() == [5, 5, 5, 2, 2, 6]


@pytest.mark.parametrize("clustering", ["mixture", "leiden"])
def test_a_collapsed_embedding_is_an_error_that_says_what_to_change(clustering):
    noise = np.random.default_rng(0).normal(size=(60, 8))
    embedding = (3 + 1e-7 * noise).astype(np.float32)
    with pytest.raises(TrainingError, match=r"collapsed.*learning_rate \(now 0\.0001\)"):
        find_domains(embedding, Config(n_domains=3, clustering=clustering))
