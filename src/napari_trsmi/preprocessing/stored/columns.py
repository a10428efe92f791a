"""What is known of a stored table's columns after it was gone through once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.utils.sparsefuncs import min_max_axis

from napari_trsmi.data.stored import is_sparse
from napari_trsmi.preprocessing.counts import beyond_rounding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_trsmi.data.stored import StoredMatrix


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of a table, and the totals of its rows.

    Attributes
    ----------
    seen
        In how many rows each column is not zero, shape (n_columns,).
    means, variances
        Of each column, the variances with n - 1.
    low, high
        Least and largest value of each column.
    depth
        Total of each row, shape (n_rows,).
    whole
        Whether all values are whole numbers.
    """

    seen: NDArray[np.int64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    depth: NDArray[np.float64]
    whole: bool

    @classmethod
    def of(cls, matrix: StoredMatrix) -> Columns:
        """Go through a table."""
        n_rows, n_columns = matrix.shape
        seen = np.zeros(n_columns, dtype=np.int64)
        low, high = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
        depth = np.zeros(n_rows)
        whole = True
        moments = StandardScaler(with_mean=False)
        for places, chunk in matrix.chunks():
            values = chunk.data if is_sparse(chunk) else chunk
            whole = whole and bool(np.all(values == np.rint(values)))
            depth[places] = np.asarray(chunk.sum(axis=1), dtype=np.float64).ravel()
            if is_sparse(chunk):
                seen += np.bincount(chunk.indices, minlength=n_columns)
                lowest, highest = min_max_axis(chunk, axis=0)
            else:
                seen += np.count_nonzero(chunk, axis=0)
                lowest, highest = chunk.min(axis=0), chunk.max(axis=0)
            np.minimum(low, lowest, out=low)
            np.maximum(high, highest, out=high)
            moments.partial_fit(chunk.astype(np.float64))
        variances = moments.var_ * (n_rows / max(n_rows - 1, 1))
        return cls(seen, moments.mean_, variances, low, high, depth, whole)

    @property
    def differing(self) -> NDArray[np.bool_]:
        """Which columns differ by more than rounding."""
        return beyond_rounding(self.low, self.high)

    def only(self, columns: NDArray[np.bool_]) -> Columns:
        """Some of the columns; `depth` stays that of all."""
        return Columns(
            self.seen[columns],
            self.means[columns],
            self.variances[columns],
            self.low[columns],
            self.high[columns],
            self.depth,
            self.whole,
        )
