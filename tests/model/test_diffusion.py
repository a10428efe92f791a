import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_trsmi.model.diffusion import MultiScaleAPPNP, appnp_coefficients

SCALES = st.lists(st.tuples(st.integers(1, 9), st.floats(0.01, 0.99)), min_size=1, max_size=4)


def appnp(dense, x, k, teleport):
    """Personalised propagation, step by step."""
    hidden = x
    for _ in range(k):
        hidden = (1 - teleport) * dense @ hidden + teleport * x
    return hidden


@settings(max_examples=30, deadline=None)
@given(SCALES, st.integers(0, 10**6))
def test_horners_rule_equals_separate_runs_side_by_side_and_projected(
    graph, random_matrix, scales, seed
):
    steps, teleports = zip(*scales, strict=True)
    diffusion = MultiScaleAPPNP(3, steps=steps, teleports=teleports).double()
    diffusion.weight.data = random_matrix(len(scales), 3, 3, seed=seed)
    diffusion.bias.data = random_matrix(3, seed=seed + 1)
    x = random_matrix(12, 3, seed=seed + 2).requires_grad_()
    mine = diffusion(x, graph.sparse)
    apart = [appnp(graph.dense, x, k, teleport) for k, teleport in scales]
    theirs = torch.cat(apart, dim=1) @ torch.cat(list(diffusion.weight)) + diffusion.bias
    torch.testing.assert_close(mine, theirs)
    inputs = (x, diffusion.weight, diffusion.bias)
    gradients = torch.autograd.grad(mine.square().sum(), inputs)
    for gradient, expected in zip(
        gradients, torch.autograd.grad(theirs.square().sum(), inputs), strict=True
    ):
        torch.testing.assert_close(gradient, expected)


@settings(max_examples=30, deadline=None)
@given(SCALES)
def test_coefficients_are_non_negative_and_sum_to_1(scales):
    steps, teleports = zip(*scales, strict=True)
    table = appnp_coefficients(steps, teleports)
    assert table.shape == (len(scales), max(steps) + 1)
    assert (table >= 0).all()
    torch.testing.assert_close(table.sum(dim=1), torch.ones(len(scales), dtype=torch.float64))


def test_it_starts_as_the_mean_over_the_scales(graph, random_matrix):
    diffusion = MultiScaleAPPNP(3, steps=(1, 3), teleports=(0.2, 0.1)).double()
    x = random_matrix(12, 3)
    expected = (appnp(graph.dense, x, 1, 0.2) + appnp(graph.dense, x, 3, 0.1)) / 2
    torch.testing.assert_close(diffusion(x, graph.sparse), expected)


def test_steps_and_teleports_come_in_pairs():
    with pytest.raises(ValueError, match="zip"):
        appnp_coefficients((2, 4), (0.1,))


def test_nothing_that_moves_to_a_device_is_float64():
    """MPS has none."""
    diffusion = MultiScaleAPPNP(3, steps=(2,), teleports=(0.2,))
    moving = [*diffusion.parameters(), *diffusion.buffers()]
    assert {tensor.dtype for tensor in moving} == {torch.float32}
