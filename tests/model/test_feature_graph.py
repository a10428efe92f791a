import pytest
import torch

from napari_trsmi.model.feature_graph import LearnedFeatureGraph
from napari_trsmi.model.fused_graph import WeightedGraph


@pytest.fixture
def learned(adjacency):
    graph = LearnedFeatureGraph(adjacency(3), ema_decay=0.9).double()
    graph.weight.data.normal_(0.6, 0.5, generator=torch.Generator().manual_seed(0))
    assert (graph.weight < 0).any()
    return graph


def by_dense_matrices(weight, graph):
    """The same from the definition: one parameter an edge of the upper triangle, row by row."""
    n = graph.shape[0]
    rows, columns = torch.from_numpy(graph.toarray()).triu(1).nonzero(as_tuple=True)
    upper = weight.new_zeros(n, n).index_put((rows, columns), weight.relu())
    dense = upper + upper.T + torch.eye(n, dtype=weight.dtype)
    scale = dense.sum(dim=1).rsqrt()
    return scale[:, None] * dense * scale


def test_the_graph_and_the_gradient_of_each_edge_equal_dense_autograd(
    learned, adjacency, to_dense, random_matrix
):
    mine = to_dense(WeightedGraph(learned.pattern, learned()))
    weight = learned.weight.detach().clone().requires_grad_()
    theirs = by_dense_matrices(weight, adjacency(3))
    torch.testing.assert_close(mine, theirs)
    target = random_matrix(*mine.shape)
    (mine * target).sum().backward()
    (theirs * target).sum().backward()
    torch.testing.assert_close(learned.weight.grad, weight.grad)


def test_there_is_one_parameter_an_undirected_edge_starting_at_1(adjacency):
    graph = adjacency(3)
    learned = LearnedFeatureGraph(graph, ema_decay=0.9)
    assert learned.weight.shape == (graph.nnz // 2,)
    assert torch.equal(learned.weight, torch.ones(graph.nnz // 2))
    assert learned.regularizer() == 0


def test_both_directions_of_an_edge_share_its_parameter(learned, to_dense):
    before = to_dense(WeightedGraph(learned.pattern, learned()))
    learned.weight.data[4] += 1
    after = to_dense(WeightedGraph(learned.pattern, learned()))
    changed = (before != after).nonzero().tolist()
    assert changed
    assert sorted(changed) == sorted([j, i] for i, j in changed)


def test_the_running_mean_and_the_pull_towards_it(learned):
    start = learned.mean.clone()
    learned.update_mean()
    now = learned.weight.detach().relu()
    torch.testing.assert_close(learned.mean, 0.9 * start + 0.1 * now)
    torch.testing.assert_close(learned.regularizer(), ((now - learned.mean) ** 2).mean())
    for _ in range(300):
        learned.update_mean()
    assert learned.regularizer() < 1e-12


def test_a_graph_without_edges_is_the_identity(adjacency, to_dense):
    learned = LearnedFeatureGraph(adjacency(density=0.0), ema_decay=0.9)
    dense = to_dense(WeightedGraph(learned.pattern, learned()))
    assert torch.equal(dense, torch.eye(len(dense)))
