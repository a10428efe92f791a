"""Where the non-zeros of a sparse matrix are, kept apart from their values.

Training changes the values at every step and the pattern never, so everything that depends on
the pattern alone (row pointers, the transpose's order) is worked out once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_trsmi.spots.portion import WHOLE, HeldPortion, Portion

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Pattern:
    """The non-zero positions of a matrix of spots by spots, in CSR order.

    Of several processes each has the rows of its own spots, over those and its halo.

    Attributes
    ----------
    row_pointers
        ``int32``, shape (n + 1,).
    columns
        ``int32``, shape (nnz,), increasing within a row.
    symmetric
        Whether (i, j) is present exactly if (j, i) is, in the rows of all processes.
    portion
        Of the spots, whose rows these are.
    """

    row_pointers: Tensor
    columns: Tensor
    symmetric: bool = False
    portion: Portion = WHOLE

    @classmethod
    def from_scipy(
        cls,
        matrix: sp.csr_matrix | sp.csr_array,
        *,
        symmetric: bool,
        portion: Portion = WHOLE,
    ) -> Pattern:
        """The pattern of a scipy CSR matrix, whose indices it sorts and shares."""
        matrix.sort_indices()
        return cls(
            torch.from_numpy(matrix.indptr.astype(np.int32, copy=False)),
            torch.from_numpy(matrix.indices.astype(np.int32, copy=False)),
            symmetric,
            portion,
        )

    @classmethod
    def from_rows(cls, columns: Tensor, portion: Portion = WHOLE) -> Pattern:
        """A pattern with the same number of entries in every row.

        Parameters
        ----------
        columns
            Integers, shape (n, k), distinct within a row.
        portion
            As of the class.
        """
        n, k = columns.shape
        pointers = torch.arange(0, n * k + 1, k, dtype=torch.int32, device=columns.device)
        entries = columns.sort(dim=1).values.reshape(-1).to(torch.int32)
        return cls(pointers, entries, portion=portion)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.row_pointers) - 1

    @property
    def width(self) -> int:
        """Number of columns."""
        borrowed = len(self.portion.halo) if isinstance(self.portion, HeldPortion) else 0
        return self.n + borrowed

    @property
    def nnz(self) -> int:
        """Number of non-zeros."""
        return len(self.columns)

    @property
    def device(self) -> torch.device:
        """Where the index arrays live."""
        return self.columns.device

    def to(self, device: torch.device | str) -> Pattern:
        """The same pattern on another device; itself where it is there already."""
        if torch.device(device) == self.device:
            return self
        return replace(
            self, row_pointers=self.row_pointers.to(device), columns=self.columns.to(device)
        )

    @cached_property
    def rows(self) -> Tensor:
        """Row of each non-zero, ``int64``, shape (nnz,)."""
        counts = self.row_pointers.diff().long()
        numbers = torch.arange(self.n, device=self.device)
        return torch.repeat_interleave(numbers, counts, output_size=self.nnz)

    @cached_property
    def transpose_order(self) -> Tensor:
        """Position in this pattern of each non-zero of the transpose, ``int64``, shape (nnz,)."""
        return torch.argsort(self.columns, stable=True)

    @cached_property
    def transpose(self) -> Pattern:
        """The pattern of the transposed matrix; itself when symmetric and whole."""
        if self.symmetric and self.portion is WHOLE:
            return self
        pointers = pointers_of(self.columns.long(), self.width)
        return Pattern(pointers, self.rows[self.transpose_order].to(torch.int32))

    def positions(self, other: sp.csr_matrix | sp.csr_array) -> NDArray[np.int64]:
        """Where the non-zeros of `other`, a part of this pattern, lie in it.

        Returns
        -------
        ndarray
            ``int64``, shape (other.nnz,), in CSR order of `other`.
        """
        width = self.width
        mine = self.rows.cpu().numpy() * width + self.columns.cpu().numpy()
        rows = np.repeat(np.arange(self.n), np.diff(other.indptr))
        theirs = rows * np.int64(width) + other.indices
        return np.searchsorted(mine, theirs)


def pointers_of(rows: Tensor, n: int) -> Tensor:
    """Row pointers, ``int32``, shape (n + 1,), of entries that lie in these rows."""
    pointers = torch.zeros(n + 1, dtype=torch.int32, device=rows.device)
    pointers[1:] = torch.bincount(rows, minlength=n).cumsum(0).to(torch.int32)
    return pointers
