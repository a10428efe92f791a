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
    from napari_trsmi.spots.portion import Portion

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


def polynomial(pattern: Pattern, values: Tensor, dense: Tensor, matrices: Tensor) -> Tensor:
    """Matrix polynomial in a sparse matrix, Y = Σ_i Aⁱ X C_i, by Horner's rule.

    One node of the autograd graph for all the products. With Y_K = X C_K, Y_i = X C_i + A Y_{i+1},
    Y = Y_0 and the gradients G_0 = dY, G_{i+1} = Aᵀ G_i,

        dC_i = Xᵀ G_i,    dX = Σ_i G_i C_iᵀ,    dA_kl = Σ_i ⟨(G_i)_k, (Y_{i+1})_l⟩,

    each summed in place: K + 1 arrays of n x d are held, whatever autograd would keep.

    Parameters
    ----------
    pattern
        Non-zero positions of A, n x n.
    values
        Non-zeros of A, shape (nnz,).
    dense
        X, shape (n, d), same dtype and device as `values`.
    matrices
        C, shape (K + 1, d, e).

    Returns
    -------
    Tensor
        Y, shape (n, e).
    """
    total: Tensor = _Polynomial.apply(values, dense, matrices, pattern)  # type: ignore[no-untyped-call]
    return total


def around(portion: Portion, rows: Tensor) -> Tensor:
    """`Portion.around`, differentiable."""
    if portion.ranks.size == 1:
        return rows
    wide: Tensor = _Around.apply(rows, portion)  # type: ignore[no-untyped-call]
    return wide


class _Around(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, portion: Portion) -> Tensor:
        ctx.portion = portion
        return portion.around(rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        portion: Portion = ctx.portion
        return portion.back(gradients[0]), None


def total(portion: Portion, values: Tensor) -> Tensor:
    """`Portion.sum`, differentiable: what each process makes of it counts."""
    if portion.ranks.size == 1:
        return values
    added: Tensor = _Total.apply(values, portion)  # type: ignore[no-untyped-call]
    return added


class _Total(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, portion: Portion) -> Tensor:
        ctx.portion = portion
        return portion.sum(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        portion: Portion = ctx.portion
        return portion.sum(gradients[0]), None


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
            to_dense = _multiply_back(pattern, values[pattern.transpose_order], gradient)
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
            to_right = _multiply_back(pattern, gradient[pattern.transpose_order], left)
        return to_left, to_right, None


class _Polynomial(Function):
    @staticmethod
    def forward(
        ctx: Any, values: Tensor, dense: Tensor, matrices: Tensor, pattern: Pattern
    ) -> Tensor:
        totals = [dense @ matrices[-1]]
        for matrix in reversed(matrices[:-1].unbind()):
            totals.append(_multiply(pattern, values, totals[-1], plus=dense @ matrix))
            if not any(ctx.needs_input_grad):
                del totals[0]
        ctx.pattern = pattern
        ctx.save_for_backward(values, dense, matrices, *totals[:-1])
        return totals[-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        values, dense, matrices, *totals = ctx.saved_tensors
        pattern: Pattern = ctx.pattern
        transposed = values[pattern.transpose_order]
        to_values = torch.zeros_like(values) if ctx.needs_input_grad[0] else None
        to_dense = torch.zeros_like(dense)
        to_matrices = torch.empty_like(matrices)
        for i, matrix in enumerate(matrices):
            to_dense.addmm_(gradient, matrix.T)
            torch.mm(dense.T, gradient, out=to_matrices[i])
            if totals:
                total = totals.pop()
                if to_values is not None:
                    to_values = _sample(pattern, gradient, total, plus=to_values)
                gradient = _multiply_back(pattern, transposed, gradient)
        return to_values, to_dense, to_matrices, None


def _multiply(
    pattern: Pattern, values: Tensor, dense: Tensor, *, plus: Tensor | None = None
) -> Tensor:
    """A X without a gradient, added to `plus` in place."""
    return _product(pattern, values, pattern.portion.around(dense), plus=plus)


def _multiply_back(pattern: Pattern, transposed: Tensor, dense: Tensor) -> Tensor:
    """Aᵀ X without a gradient; the values are in the transpose's order."""
    return pattern.portion.back(_product(pattern.transpose, transposed, dense))


def _product(
    pattern: Pattern, values: Tensor, dense: Tensor, *, plus: Tensor | None = None
) -> Tensor:
    """`_multiply` with the rows of the halo at hand."""
    if values.device.type in _CSR_DEVICES:
        # with beta 0 what is in `out` is not read, so it need not be filled
        out = dense.new_empty((pattern.n, dense.shape[1]))
        out, beta = (out, 0) if plus is None else (plus, 1)
        return out.addmm_(_csr(pattern, values, len(dense)), dense.contiguous(), beta=beta)
    out = dense.new_zeros((pattern.n, dense.shape[1])) if plus is None else plus
    step = max(1, _CHUNK // dense.shape[1])
    for start in range(0, pattern.nnz, step):
        part = slice(start, start + step)
        gathered = values[part, None] * dense[pattern.columns[part].long()]
        out.index_add_(0, pattern.rows[part], gathered)
    return out


def _sample(pattern: Pattern, left: Tensor, right: Tensor, *, plus: Tensor | None = None) -> Tensor:
    """⟨L_i, R_j⟩ at the pattern's positions without a gradient, added to `plus` in place."""
    out = left.new_zeros(pattern.nnz) if plus is None else plus
    right = pattern.portion.around(right)
    if left.device.type in _CSR_DEVICES:
        matrix = _csr(pattern, out, len(right))
        torch.sparse.sampled_addmm(matrix, left.contiguous(), right.contiguous().T, out=matrix)
        return out
    step = max(1, _CHUNK // left.shape[1])
    for start in range(0, pattern.nnz, step):
        part = slice(start, start + step)
        out[part] += (left[pattern.rows[part]] * right[pattern.columns[part].long()]).sum(1)
    return out


def _csr(pattern: Pattern, values: Tensor, width: int) -> Tensor:
    # The pattern was checked when it was built; checking it again costs more than the product.
    return torch.sparse_csr_tensor(
        pattern.row_pointers,
        pattern.columns,
        values.detach(),
        (pattern.n, width),
        check_invariants=False,
    )
