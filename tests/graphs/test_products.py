"""Sparse products against dense ones, with and without CSR kernels."""

import pytest
import torch
from torch.autograd import gradcheck

from napari_trsmi.graphs import products
from napari_trsmi.graphs.pattern import Pattern
from napari_trsmi.graphs.products import polynomial, sddmm, spmm

pytestmark = pytest.mark.parametrize("symmetric", [True, False])


@pytest.fixture(
    params=[
        "csr",
        "gathered",
        "gathered in small chunks",
        pytest.param("gpu", marks=pytest.mark.gpu),
    ],
    autouse=True,
)
def device(request, monkeypatch):
    """Run by CSR kernels on each device, and by gathering as where there are none (MPS)."""
    if request.param.startswith("gathered"):
        monkeypatch.setattr(products, "_CSR_DEVICES", frozenset())
    if request.param.endswith("chunks"):
        monkeypatch.setattr(products, "_CHUNK", 7)
    return "cuda" if request.param == "gpu" else "cpu"


@pytest.fixture
def operands(make_pattern, symmetric, device):
    pattern, mask = make_pattern(symmetric=symmetric)
    random = torch.Generator().manual_seed(0)
    values = torch.randn(pattern.nnz, dtype=torch.float64, generator=random)
    left, right = torch.randn(2, pattern.n, 3, dtype=torch.float64, generator=random)
    return tuple(x.to(device) for x in (pattern, mask, values, left, right))


def test_spmm_is_the_dense_product(operands, to_dense):
    pattern, _, values, _, right = operands
    torch.testing.assert_close(spmm(pattern, values, right), to_dense(pattern, values) @ right)


def test_sddmm_is_the_dense_product_at_the_patterns_positions(operands):
    pattern, mask, _, left, right = operands
    torch.testing.assert_close(sddmm(pattern, left, right), (left @ right.T)[mask])


def test_gradients_of_spmm(operands):
    pattern, _, values, _, right = operands
    inputs = (values.requires_grad_(), right.requires_grad_())
    assert gradcheck(lambda v, x: spmm(pattern, v, x), inputs, nondet_tol=1e-12)


def test_gradients_of_sddmm(operands):
    pattern, _, _, left, right = operands
    inputs = (left.requires_grad_(), right.requires_grad_())
    assert gradcheck(lambda x, y: sddmm(pattern, x, y), inputs, nondet_tol=1e-12)


@pytest.fixture
def matrices(device):
    random = torch.Generator().manual_seed(1)
    return torch.randn(4, 3, 2, dtype=torch.float64, generator=random).to(device)


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_polynomial_is_the_sum_over_dense_powers(operands, to_dense, matrices, degree):
    pattern, _, values, _, right = operands
    dense = to_dense(pattern, values)
    expected = sum(
        torch.linalg.matrix_power(dense, i) @ right @ matrices[i] for i in range(degree + 1)
    )
    mine = polynomial(pattern, values, right, matrices[: degree + 1])
    torch.testing.assert_close(mine, expected)


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_gradients_of_the_polynomial(operands, matrices, degree):
    pattern, _, values, _, right = operands
    inputs = [values, right, matrices[: degree + 1].clone()]
    inputs = [x.requires_grad_() for x in inputs]
    assert gradcheck(lambda v, x, c: polynomial(pattern, v, x, c), inputs, nondet_tol=1e-12)


def test_a_polynomial_leaves_its_operands_alone(operands, matrices):
    pattern, _, values, _, right = operands
    before = [x.clone() for x in (values, right, matrices)]
    inputs = [x.requires_grad_() for x in (values, right, matrices)]
    polynomial(pattern, *inputs).square().sum().backward()
    for x, expected in zip(inputs, before, strict=True):
        assert torch.equal(x.detach(), expected)


def test_only_the_gradient_asked_for_is_worked_out(operands):
    pattern, _, values, left, right = operands
    spmm(pattern, values.requires_grad_(), right).sum().backward()
    assert right.grad is None
    sddmm(pattern, left, right.requires_grad_()).sum().backward()
    assert left.grad is None


def test_a_second_derivative_is_refused_rather_than_wrong(operands):
    pattern, _, values, _, right = operands
    values.requires_grad_()
    total = spmm(pattern, values, right.requires_grad_()).square().sum()
    (first,) = torch.autograd.grad(total, right, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_an_empty_pattern_gives_zeros(symmetric, device):
    empty = torch.empty(0, dtype=torch.int32)
    pattern = Pattern(torch.zeros(5, dtype=torch.int32), empty, symmetric).to(device)
    x = torch.ones(4, 2, device=device)
    assert torch.equal(spmm(pattern, torch.empty(0, device=device), x), torch.zeros_like(x))
    assert sddmm(pattern, x, x).shape == (0,)
