import pytest
import torch
from torch.nn.functional import normalize

from napari_trsmi.model.encoder import Encoder


@pytest.fixture
def features(random_matrix):
    return random_matrix(12, 5)


def make_encoder(random_matrix, **options):
    chosen = {"residual": True, "residual_gate": 0.1, "normalize": False} | options
    return Encoder(random_matrix(5, 3, seed=1).float(), **chosen).double()


def test_without_the_residual_it_is_a_linear_graph_convolution(graph, features, random_matrix):
    encoder = make_encoder(random_matrix, residual=False)
    expected = graph.dense @ features @ encoder.projection
    torch.testing.assert_close(encoder(features, graph.sparse), expected)
    assert [name for name, _ in encoder.named_parameters()] == ["projection"]


def test_the_residual_starts_at_0_with_a_gradient_to_its_branch(graph, features, random_matrix):
    encoder = make_encoder(random_matrix)
    plain = make_encoder(random_matrix, residual=False)
    embedded = encoder(features, graph.sparse)
    torch.testing.assert_close(embedded, plain(features, graph.sparse))
    embedded.square().sum().backward()
    assert encoder.delta.weight.grad.any()


@pytest.mark.parametrize("normalized", [False, True])
def test_the_residual_branch(graph, features, random_matrix, normalized):
    encoder = make_encoder(random_matrix, normalize=normalized)
    torch.nn.init.normal_(encoder.delta.weight)
    torch.nn.init.normal_(encoder.delta.bias)
    hidden = features @ encoder.projection
    delta = hidden @ encoder.delta.weight.T + encoder.delta.bias
    expected = hidden + encoder.gate * delta
    if normalized:
        expected = normalize(graph.dense @ normalize(expected, dim=1), dim=1)
    else:
        expected = graph.dense @ expected
    torch.testing.assert_close(encoder(features, graph.sparse), expected)
