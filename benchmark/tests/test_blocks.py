from __future__ import annotations

import numpy as np

from trsmi_benchmark.blocks import feature_graph, mean_over, neighbor_graph, side_by_side


def test_ties_are_neighbours_whatever_the_order():
    grid = np.column_stack([np.arange(81) % 9, np.arange(81) // 9]).astype(float)
    graph = neighbor_graph(grid, 6).toarray()
    assert graph[40].sum() == 8  # 4 at distance 1, then all 4 diagonals
    shuffled = np.random.default_rng(0).permutation(81)
    again = neighbor_graph(grid[shuffled], 6).toarray()
    np.testing.assert_array_equal(again, graph[shuffled][:, shuffled])
    np.testing.assert_array_equal(graph, graph.T)
    assert not graph.diagonal().any()


def test_there_may_be_fewer_points_than_neighbours():
    points = np.array([[0.0, 0], [1, 0], [5, 0]])
    assert neighbor_graph(points, 6).toarray().sum() == 6
    assert feature_graph(np.eye(3), 20).toarray().sum() == 6


def test_means_are_means():
    points = np.array([[0.0, 0], [1, 0], [2, 0]])
    graph = neighbor_graph(points, 1)
    x = np.array([1.0, 2, 6])
    np.testing.assert_allclose(mean_over(graph, itself=False) @ x, [2, 3.5, 2])
    np.testing.assert_allclose(mean_over(graph, itself=True) @ x, [1.5, 3, 4])


def test_blocks_weigh_the_same():
    rng = np.random.default_rng(0)
    joined = side_by_side([rng.normal(size=(50, 3)), 100 + 100 * rng.normal(size=(50, 4))])
    norms = np.linalg.norm(joined[:, :3]), np.linalg.norm(joined[:, 3:])
    np.testing.assert_allclose(norms, np.sqrt(50))
    np.testing.assert_allclose(joined.mean(axis=0), 0, atol=1e-12)
