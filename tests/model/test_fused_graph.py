import torch

from napari_trsmi.graphs.weights import GraphWeights
from napari_trsmi.model.fused_graph import FusedGraphs, WeightedGraph


def normalized(dense):
    scale = dense.sum(dim=1).rsqrt()
    return scale[:, None] * dense * scale


def test_fused_graphs_are_the_weighted_sums_and_their_renormalised_mean(
    make_graphs, weighted, to_dense
):
    graphs = make_graphs(3)
    own, mean = graphs()
    space = torch.from_numpy(weighted(0).toarray()).double()
    space = normalized(space + torch.eye(len(space)))
    expected = [
        w[0] * space + w[1] * to_dense(WeightedGraph(learned.pattern, learned()))
        for w, learned in zip(graphs.weights, graphs.learned, strict=True)
    ]
    for mine, theirs in zip(own, expected, strict=True):
        torch.testing.assert_close(to_dense(mine), theirs)
    torch.testing.assert_close(to_dense(mean), normalized(torch.stack(expected).mean(dim=0)))


def test_what_decoders_propagate_over_knows_no_borders(make_graphs, adjacency, to_dense):
    space = torch.from_numpy(adjacency(0).toarray()).double()
    expected = normalized(space + torch.eye(len(space)))
    torch.testing.assert_close(to_dense(make_graphs(2).spatial), expected)


def test_gradients_of_the_weights_equal_dense_autograd(make_graphs, to_dense, random_matrix):
    graphs = make_graphs(2)
    own, mean = graphs()
    target = random_matrix(3, *to_dense(mean).shape)
    mine = sum((to_dense(g) * t).sum() for g, t in zip([*own, mean], target, strict=True))
    raw = graphs.raw_weights.detach().clone().requires_grad_()
    w = torch.log1p(raw.exp())
    learned = [to_dense(WeightedGraph(g.pattern, g())).detach() for g in graphs.learned]
    space = to_dense(WeightedGraph(graphs.spatial.pattern, graphs.weighted_values))
    dense = [w[m, 0] * space + w[m, 1] * learned[m] for m in range(2)]
    dense.append(normalized((dense[0] + dense[1]) / 2))
    theirs = sum((g * t).sum() for g, t in zip(dense, target, strict=True))
    mine.backward()
    theirs.backward()
    torch.testing.assert_close(graphs.raw_weights.grad, raw.grad)


def test_weights_start_where_they_were_told_to_and_stay_positive(adjacency, weighted):
    starts = [GraphWeights(0.25, 0.75, 0.1), GraphWeights(0.0, 1.0, 0.1)]
    graphs = FusedGraphs(adjacency(), weighted(), [adjacency(1), adjacency(2)], starts, 0.9)
    torch.testing.assert_close(
        graphs.weights, torch.tensor([[0.25, 0.75], [0.0, 1.0]]), atol=2e-3, rtol=0
    )
    graphs.raw_weights.data -= 50
    assert (graphs.weights > 0).all()


def test_the_regulariser_and_the_running_means_cover_all_modalities(make_graphs):
    graphs = make_graphs(2)
    parts = torch.stack([learned.regularizer() for learned in graphs.learned])
    torch.testing.assert_close(graphs.regularizer(), parts.sum())
    graphs.update_means()
    assert all(
        learned.regularizer() < part for learned, part in zip(graphs.learned, parts, strict=True)
    )


def test_everything_moves_to_a_device_together(make_graphs):
    graphs = make_graphs(2).to_device(torch.device("meta"))
    own = [WeightedGraph(learned.pattern, learned()) for learned in graphs.learned]
    for graph in (*own, graphs.spatial):
        assert {graph.pattern.device.type, graph.values.device.type} == {"meta"}
    fused, mean = graphs()
    assert {graph.values.device.type for graph in (*fused, mean)} == {"meta"}
