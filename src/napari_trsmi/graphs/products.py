"""Products of a sparse matrix with a dense one, differentiable in both.

PyTorch's own gradient with respect to the values of a CSR matrix builds a dense n x n matrix.
Here it is a sampled dense-dense product (SDDMM): the two gradients of Y = A X are

    dX = Aᵀ dY,    dA_ij = ⟨dY_i, X_j⟩ at the non-zeros of A only,

so that a step costs O(nnz · d) time and O(nnz + n d) memory.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from napari_trsmi.graphs.pattern import Pattern

# Said by PyTorch at the first CSR tensor; in napari every warning becomes a notification.
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")

_CSR_DEVICES = frozenset({"cpu", "cuda"})
_CHUNK = 1 << 22  # entries of a gathered block where there are no CSR kernels


def spmm(pattern: Pattern, values: Tensor, dense: Tensor) -> Tensor:
    """Sparse times dense: Y = A X.

    Parameters
    ----------
    pattern
        Non-zero positions of A, n x n.
    values
        Non-zeros of A, shape (nnz,).
    dense
        X, shape (n, d), same dtype and device as `values`.

    Returns
    -------
    Tensor
        Y, shape (n, d).
    """
    product: Tensor = _SpMM.apply(values, dense, pattern)  # type: ignore[no-untyped-call]
    return product


def sddmm(pattern: Pattern, left: Tensor, right: Tensor) -> Tensor:
    """Dense times dense at the non-zeros of a pattern: v_ij = ⟨L_i, R_j⟩.

    Parameters
    ----------
    pattern
        The positions (i, j) wanted.
    left, right
        L and R, shape (n, d).

    Returns
    -------
    Tensor
        Values in CSR order, shape (nnz,).
    """
    values: Tensor = _SDDMM.apply(left, right, pattern)  # type: ignore[no-untyped-call]
    return values


class _SpMM(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, dense: Tensor, pattern: Pattern) -> Tensor:
        ctx.pattern = pattern
        ctx.save_for_backward(values, dense)
        return _multiply(pattern, values, dense)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (gradient,) = gradients
        values, dense = ctx.saved_tensors
        pattern: Pattern = ctx.pattern
        to_values = _sample(pattern, gradient, dense) if ctx.needs_input_grad[0] else None
        to_dense = None
        if ctx.needs_input_grad[1]:
            to_dense = _multiply(pattern.transpose, values[pattern.transpose_order], gradient)
        return to_values, to_dense, None


class _SDDMM(Function):
    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, pattern: Pattern) -> Tensor:
        ctx.pattern = pattern
        ctx.save_for_backward(left, right)
        return _sample(pattern, left, right)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (gradient,) = gradients
        left, right = ctx.saved_tensors
        pattern: Pattern = ctx.pattern
        to_left = _multiply(pattern, gradient, right) if ctx.needs_input_grad[0] else None
        to_right = None
        if ctx.needs_input_grad[1]:
            to_right = _multiply(pattern.transpose, gradient[pattern.transpose_order], left)
        return to_left, to_right, None


def _multiply(pattern: Pattern, values: Tensor, dense: Tensor) -> Tensor:
    """A X without a gradient."""
    if values.device.type in _CSR_DEVICES:
        return _csr(pattern, values) @ dense.contiguous()
    out = torch.zeros_like(dense)
    step = max(1, _CHUNK // dense.shape[1])
    for start in range(0, pattern.nnz, step):
        part = slice(start, start + step)
        gathered = values[part, None] * dense[pattern.columns[part].long()]
        out.index_add_(0, pattern.rows[part], gathered)
    return out


def _sample(pattern: Pattern, left: Tensor, right: Tensor) -> Tensor:
    """⟨L_i, R_j⟩ at the pattern's positions without a gradient."""
    if left.device.type in _CSR_DEVICES:
        zeros = _csr(pattern, left.new_zeros(pattern.nnz))
        sampled: Tensor = torch.sparse.sampled_addmm(
            zeros, left.contiguous(), right.T.contiguous(), beta=0.0
        )
        return sampled.values()
    out = left.new_empty(pattern.nnz)
    step = max(1, _CHUNK // left.shape[1])
    for start in range(0, pattern.nnz, step):
        part = slice(start, start + step)
        out[part] = (left[pattern.rows[part]] * right[pattern.columns[part].long()]).sum(1)
    return out


def _csr(pattern: Pattern, values: Tensor) -> Tensor:
    # The pattern was checked when it was built; checking it again costs more than the product.
    return torch.sparse_csr_tensor(
        pattern.row_pointers,
        pattern.columns,
        values.detach(),
        (pattern.n, pattern.n),
        check_invariants=False,
    )
