import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from napari_trsmi.errors import InputError
from napari_trsmi.graphs import neighbors
from napari_trsmi.graphs.neighbors import feature_graph, spatial_graph, top_cosine, unit_rows


def is_simple(graph):
    """Whether a graph is symmetric, 0/1 and without self loops."""
    return (
        (graph != graph.T).nnz == 0
        and not graph.diagonal().any()
        and (graph.data == 1).all()
        and graph.has_sorted_indices
    )


def by_scikit_learn(points, k):
    graph = NearestNeighbors(n_neighbors=k).fit(points).kneighbors_graph()
    return graph.maximum(graph.T).toarray()


def normal(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("k", [1, 6, 29])
def test_spatial_neighbours_equal_scikit_learns(k):
    points = normal(30, 2)
    graph = spatial_graph(points, k)
    assert is_simple(graph)
    np.testing.assert_array_equal(graph.toarray(), by_scikit_learn(points, k))


def test_six_neighbours_on_a_square_lattice_are_eight_inside(square_lattice):
    graph = spatial_graph(square_lattice(9), 6)
    degrees = graph.sum(axis=1).reshape(9, 9)
    assert is_simple(graph)
    assert (degrees[3:6, 3:6] == 8).all()  # spots at the border reach two spots inwards


@pytest.mark.parametrize("k", [1, 2, 6])
def test_ties_on_a_hexagonal_lattice_are_all_taken(square_lattice, k):
    points = square_lattice(9)
    points[:, 0] += 0.5 * (points[:, 1] % 2)
    points[:, 1] *= np.sqrt(3) / 2
    degrees = spatial_graph(points, k).sum(axis=1).reshape(9, 9)
    assert (degrees[3:6, 3:6] == 6).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 40), st.integers(1, 6), st.integers(0, 10**6), st.booleans())
def test_graphs_follow_a_permutation_of_the_spots(n, k, seed, on_lattice):
    assume(k < n)
    rng = np.random.default_rng(seed)
    # different lattice points: many ties, no duplicates
    places = rng.permutation(64)[:n]
    points = np.column_stack([places // 8, places % 8]) * 1.0 if on_lattice else normal(n, 2, seed)
    order = rng.permutation(n)
    for build, values in ((spatial_graph, points), (feature_graph, normal(n, 5, seed))):
        graph = build(values, k)
        assert is_simple(graph)
        assert (graph.sum(axis=1) >= k).all()
        assert (build(values[order], k) != graph[order][:, order]).nnz == 0


def test_spots_at_one_place_are_each_others_neighbours():
    points = np.repeat(normal(5, 2), 3, axis=0)
    graph = spatial_graph(points, 2).toarray()
    same_place = np.kron(np.eye(5), np.ones((3, 3))) - np.eye(15)
    np.testing.assert_array_equal(graph, same_place)


def test_many_spots_at_one_place_still_get_enough_neighbours():
    graph = spatial_graph(np.zeros((40, 2)), 3)
    assert is_simple(graph)
    assert (graph.sum(axis=1) >= 3).all()


@pytest.mark.parametrize("block", [1 << 24, 70])
def test_feature_neighbours_equal_scikit_learns_on_centred_directions(monkeypatch, block):
    monkeypatch.setattr(neighbors, "_BLOCK", block)
    features = normal(30, 6) + 5
    graph = feature_graph(features, 4)
    centred = features - features.mean(axis=0)
    directions = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    assert is_simple(graph)
    np.testing.assert_array_equal(graph.toarray(), by_scikit_learn(directions, 4))


def test_a_spot_without_features_of_its_own_gets_neighbours():
    features = np.vstack([np.eye(4), -np.eye(4), np.zeros(4)])
    assert not unit_rows(features)[-1].any()
    assert (feature_graph(features, 3).sum(axis=1) >= 3).all()


def test_the_best_matches_come_best_first():
    keys = np.eye(4, dtype=np.float32)
    queries = np.array([[0.1, 0.4, 0.2, 0.3]], dtype=np.float32)
    assert top_cosine(queries, keys, 3).tolist() == [[1, 3, 2]]
    assert top_cosine(keys, keys, 1).ravel().tolist() == [0, 1, 2, 3]
    assert 0 not in top_cosine(queries, keys, 3, skip_self=True)


@given(
    n=st.integers(1, 400),
    k=st.integers(1, 30),
    n_levels=st.sampled_from([2, 5, 10_000]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_best_matches_are_those_of_a_full_sort(n, k, n_levels, seed):
    assume(k <= n)
    rng = np.random.default_rng(seed)
    keys = rng.integers(n_levels, size=(n, 1)).astype(np.float32)  # few levels, many ties
    queries = np.array([[1.0], [-1.0]], dtype=np.float32)
    found = top_cosine(queries, keys, k)
    similarity = queries @ keys.T
    np.testing.assert_array_equal(
        np.take_along_axis(similarity, found, axis=1), np.sort(similarity)[:, ::-1][:, :k]
    )
    assert all(len(set(row)) == k for row in found.tolist())


@pytest.mark.gpu
def test_a_gpu_finds_the_same_neighbours():
    features = normal(3000, 12)
    here, there = (feature_graph(features, 8, device=device) for device in ("cpu", "cuda"))
    assert (here != there).nnz < 1e-3 * here.nnz  # rounding decides between near ties


@pytest.mark.parametrize(
    ("build", "parameter"),
    [(spatial_graph, "spatial_neighbors"), (feature_graph, "feature_neighbors")],
)
def test_too_few_spots_are_an_error_with_the_remedy(build, parameter):
    with pytest.raises(InputError, match=f"6 spots are too few.*set {parameter} to 5 or less"):
        build(normal(6, 2), 6)


def test_the_approximate_search_finds_nearly_all(monkeypatch):
    """Slow: pynndescent is compiled at its first use."""
    features = normal(300, 8)
    exact = feature_graph(features, 10)
    monkeypatch.setattr(neighbors, "EXACT_LIMIT", 10)
    found = feature_graph(features, 10, seed=1)
    assert is_simple(found)
    assert (found.sum(axis=1) >= 10).all()
    assert exact.multiply(found).sum() / exact.sum() > 0.9
