import pytest
import torch

from napari_trsmi.model.refinement import LocalRefinement


def test_it_is_a_base_plus_a_gated_view_of_self_and_neighbours(graph, random_matrix):
    refinement = LocalRefinement(3, local_gate=0.3).double()
    for parameter in refinement.parameters():
        torch.nn.init.normal_(parameter)
    z = random_matrix(12, 3)
    both = torch.cat([z, graph.dense @ z], dim=1)
    gate = 1 / (1 + (-refinement.raw_gate).exp())
    expected = z @ refinement.base + gate * (both @ refinement.graph)
    torch.testing.assert_close(refinement(z, graph.sparse), expected)


@pytest.mark.parametrize("gate", [0.0, 0.4, 1.0])
def test_it_starts_as_the_spot_plus_its_neighbours_mean(graph, random_matrix, gate):
    refinement = LocalRefinement(3, local_gate=gate).double()
    z = random_matrix(12, 3)
    expected = z + gate * (graph.dense @ z)
    torch.testing.assert_close(refinement(z, graph.sparse), expected, atol=1e-3, rtol=0)
    refinement(z, graph.sparse).square().sum().backward()
    assert refinement.raw_gate.grad.isfinite()
    assert refinement.raw_gate.grad != 0
