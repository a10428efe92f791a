"""What is known of a stored table's columns after it was gone through once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
        means, squares = np.zeros(n_columns), np.zeros(n_columns)
        depth, whole, done = np.zeros(n_rows), True, 0
        for places, chunk in matrix.mapped(_of_chunk):
            depth[places], whole = chunk.depth, whole and chunk.whole
            seen += chunk.seen
            np.minimum(low, chunk.low, out=low)
            np.maximum(high, chunk.high, out=high)
            # what two parts differ by in the mean is variance as well (Chan, Golub & LeVeque 1979)
            n, apart = len(places), chunk.means - means
            squares += chunk.variances * n + np.square(apart) * (done * n / (done + n))
            means += apart * (n / (done + n))
            done += n
        return cls(seen, means, squares / max(n_rows - 1, 1), low, high, depth, whole)

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


def _of_chunk(chunk: Any) -> Columns:
    """The same of a chunk, its variances with n."""
    values = chunk.data if is_sparse(chunk) else chunk
    if is_sparse(chunk):
        seen = np.bincount(chunk.indices, minlength=chunk.shape[1])
        low, high = min_max_axis(chunk, axis=0)
    else:
        seen = np.count_nonzero(chunk, axis=0)
        low, high = chunk.min(axis=0), chunk.max(axis=0)
    moments = StandardScaler(with_mean=False).fit(chunk.astype(np.float64))
    depth = np.asarray(chunk.sum(axis=1), dtype=np.float64).ravel()
    whole = bool(np.all(values == np.rint(values)))
    return Columns(seen, moments.mean_, moments.var_, low, high, depth, whole)
