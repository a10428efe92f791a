import numpy as np
import pytest

from napari_trsmi.errors import InputError, TrainingError
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.training import problem as problem_module
from napari_trsmi.training.problem import Problem, build_problem


def built(features, coordinates, config) -> Problem:
    """The problem over the spatial graph that the configuration asks for."""
    return build_problem(features, spatial_graph(coordinates, config.spatial_neighbors), config)


def test_features_are_centred_with_mean_square_1_whatever_their_scale(blocks, config):
    features, coordinates = blocks(3)
    problem = built([f * 100.0**m + m for m, f in enumerate(features)], coordinates, config)
    for mine, theirs in zip(problem.features, features, strict=True):
        assert mine.dtype == np.float32
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine.mean(axis=0), 0, atol=1e-5)
        assert np.mean(mine.astype(float) ** 2) == pytest.approx(1)


def test_graphs_have_the_configured_neighbours(blocks, config):
    features, coordinates = blocks(2)
    problem = built(features, coordinates, config)
    expected = spatial_graph(coordinates, config.spatial_neighbors)
    assert (problem.spatial != expected).nnz == 0
    assert problem.n_spots == len(coordinates)
    for graph in problem.feature_graphs:
        assert (graph.sum(axis=1) >= config.feature_neighbors).all()


def test_a_component_that_is_not_spatial_loses_influence_on_the_graph(blocks, config):
    """Two kinds of spots strewn over the stripes draw edges between them unless scaled down."""
    (features,), coordinates = blocks(1, side=15)
    stripe = coordinates[:, 0] * 3 // 15
    kind = np.random.default_rng(1).integers(2, size=len(features))
    strewn = 3 * kind[:, None] + np.random.default_rng(2).normal(size=(len(kind), 4))

    def in_one_stripe(share):
        both = [np.hstack([features / 6, strewn])]
        problem = built(both, coordinates, config.replace(spatial_share=share))
        graph = problem.feature_graphs[0].tocoo()
        return np.mean(stripe[graph.row] == stripe[graph.col])

    assert in_one_stripe(True) > 0.95 > 0.92 > in_one_stripe(False)


def test_how_the_weights_start(blocks, config):
    features, coordinates = blocks(2)
    even = built(features, coordinates, config.replace(graph_weights="even"))
    assert [(w.spatial, w.feature) for w in even.weights] == [(0.5, 0.5)] * 2
    predictive = built(features, coordinates, config.replace(graph_weights="predictive"))
    for weights in predictive.weights:
        assert weights.spatial + weights.feature == pytest.approx(1)
        assert 0 < weights.held_out_r2 < 1


def test_edges_across_borders_weigh_less(blocks, config):
    features, coordinates = blocks(2, side=15)
    problem = built(features, coordinates, config)
    edges = problem.weighted.tocoo()
    stripe = coordinates[:, 0] * 3 // 15
    across = stripe[edges.row] != stripe[edges.col]
    assert edges.data[across].mean() < 0.2 < 0.6 < edges.data[~across].mean()
    plain = built(features, coordinates, config.replace(edge_contrast=0))
    for graph in (plain.weighted, plain.spatial, problem.spatial):
        assert (graph.data == 1).all()
        assert (graph.indices == problem.weighted.indices).all()


def test_where_the_gates_end(blocks, config):
    """Stripes are told by the near neighbours; noise is told by nothing, so by the region."""
    (features,), coordinates = blocks(1, side=20)
    noise = np.random.default_rng(1).normal(size=(len(features), 4))

    def ends(**parameters):
        changed = config.replace(**parameters)
        return built([features, features + 9 * noise[:, :1]], coordinates, changed).gate_ends

    clear, noisy = ends()
    assert 0 <= clear < noisy <= 1
    assert ends(gate_floor=0.99) == (0.99, max(0.99, noisy))
    assert ends(gate_end="floor", gate_floor=0.3) == (0.3, 0.3)
    assert ends(multiscale=False) != (clear, noisy)
    assert ends(gate=False) == (1, 1)


def test_constant_features_stay_finite(config, blocks):
    _, coordinates = blocks(1)
    problem = built([np.ones((len(coordinates), 4))], coordinates, config)
    assert not problem.features[0].any()


def test_too_few_spots_are_an_error(blocks, config):
    features, coordinates = blocks(1, side=3)
    with pytest.raises(InputError, match="9 spots are too few for feature_neighbors=9"):
        built(features, coordinates, config.replace(feature_neighbors=9))


def test_a_failure_of_pytorch_during_the_search_is_explained(blocks, config, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("kernel went missing")

    monkeypatch.setattr(problem_module, "feature_graph", fail)
    with pytest.raises(TrainingError, match="failed on cpu: kernel went missing"):
        built(*blocks(1), config)


def test_tiles_change_a_problem_by_rounding_only(blocks, config):
    features, coordinates = blocks()
    spatial = spatial_graph(coordinates, config.spatial_neighbors)
    whole = build_problem(features, spatial, config)
    tiled = build_problem(features, spatial, config.replace(tiles=4))
    for mine, theirs in zip(tiled.features, whole.features, strict=True):
        sign = np.sign((mine * theirs).sum(axis=0))
        np.testing.assert_allclose(mine * sign, theirs, rtol=1e-3, atol=1e-4)
    for mine, theirs in zip(tiled.feature_graphs, whole.feature_graphs, strict=True):
        assert (mine != theirs).nnz == 0
    np.testing.assert_allclose(tiled.gate_ends, whole.gate_ends, rtol=1e-3)
