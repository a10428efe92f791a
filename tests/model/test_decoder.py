import torch

from napari_trsmi.model.decoder import GraphDecoder


def test_it_propagates_a_linear_map(graph, random_matrix):
    decoder = GraphDecoder(3, 5).double()
    z = random_matrix(12, 3)
    torch.testing.assert_close(decoder(z, graph.sparse), graph.dense @ z @ decoder.weight)


def test_started_from_data_it_is_nearly_the_least_squares_fit(graph, random_matrix):
    decoder = GraphDecoder(3, 5).double()
    z, features = random_matrix(12, 3), random_matrix(12, 5, seed=1)
    decoder.start_from(z, features, graph.sparse)
    fit = torch.linalg.lstsq(graph.dense @ z, features).solution
    torch.testing.assert_close(decoder.weight.detach(), fit, rtol=0.05, atol=0.05)
    best = (graph.dense @ z @ fit - features).square().sum()
    assert (decoder(z, graph.sparse) - features).square().sum() <= best * 1.001


def test_it_can_start_from_an_embedding_without_variance(graph, random_matrix):
    decoder = GraphDecoder(3, 5).double()
    decoder.start_from(torch.zeros(12, 3, dtype=torch.float64), random_matrix(12, 5), graph.sparse)
    assert not decoder.weight.any()
