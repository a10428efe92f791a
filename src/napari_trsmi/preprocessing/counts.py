"""What counts have in common, whatever was counted."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.decomposition import PCA

if TYPE_CHECKING:
    import scipy.sparse as sp
    from anndata import AnnData
    from numpy.typing import NDArray

_LOOKED_AT = 100_000
_ROUNDING = 1e-5


def are_counts(table: AnnData) -> bool:
    """Whether the values look like counts: integers, as far as a sample of them shows."""
    matrix: Any = table.X
    values = matrix.data if hasattr(matrix, "tocsr") else np.asarray(matrix).ravel()
    sample = values[:: max(1, len(values) // _LOOKED_AT)]
    return bool(np.all(sample == np.rint(sample)))


def dense(matrix: Any) -> NDArray[Any]:
    """A dense or sparse matrix as an array."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)


def depth(table: AnnData) -> NDArray[np.float64]:
    """Total of each spot, shape (n_spots,)."""
    return np.asarray(table.X.sum(axis=1), dtype=np.float64).ravel()


def typical_depth(table: AnnData) -> float:
    """Median count of the spots that are not empty; 1 if all are."""
    return middle(depth(table))


def middle(depths: NDArray[np.float64]) -> float:
    """Median of the depths above 0; 1 if there are none."""
    return float(np.median(depths[depths > 0])) if (depths > 0).any() else 1.0


def log_normalize(table: AnnData, *, to: float | None = None) -> None:
    """Scale spots to their median count and take log(1 + x), in place; empty spots stay empty.

    A larger target, such as 10,000 for spots of 1,500 counts, spreads zeros and ones so far
    apart that little but what was seen at all is left. `to` is the median of the whole table, where
    these spots are a part of it.
    """
    import scanpy as sc

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Some cells have zero counts")
        sc.pp.normalize_total(table, target_sum=typical_depth(table) if to is None else to)
    sc.pp.log1p(table)


def varying(matrix: Any) -> NDArray[np.bool_]:
    """Which columns of a dense or sparse matrix differ by more than rounding, (n_features,)."""
    largest, smallest = (dense(row).ravel() for row in (matrix.max(axis=0), matrix.min(axis=0)))
    return beyond_rounding(smallest, largest)


def beyond_rounding(low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.bool_]:
    """Which columns differ by more than rounding, by their least and largest values."""
    beyond: NDArray[np.bool_] = high - low > _ROUNDING * np.maximum(np.abs(high), np.abs(low))
    return beyond


def principal_components(
    matrix: sp.csr_matrix | NDArray[np.floating], n_components: int, *, seed: int
) -> NDArray[np.float32]:
    """Principal components of a dense or sparse matrix; sparse ones are centred implicitly.

    Parameters
    ----------
    matrix
        Shape (n_spots, n_features).
    n_components
        At most this many; fewer when the matrix is smaller.
    seed
        Seed of the iterative solver's start.

    Returns
    -------
    ndarray
        ``float32``, shape (n_spots, ≤ n_components), by decreasing variance; one column of
        zeros when all rows are the same.
    """
    differing = varying(matrix)
    if not differing.any():
        return np.zeros((matrix.shape[0], 1), dtype=np.float32)
    if not differing.all():
        matrix = matrix[:, differing]
    wanted = max(1, min(n_components, min(matrix.shape) - 1))
    few_features = matrix.shape[1] <= 4 * n_components or min(matrix.shape) <= wanted + 1
    if few_features:
        # centring a covariance costs the digits of columns that lie far from 0
        matrix = matrix.astype(np.float64)
    solver = "covariance_eigh" if few_features else "arpack"
    model = PCA(wanted, svd_solver=solver, random_state=seed)
    components: NDArray[np.float32] = model.fit_transform(matrix).astype(np.float32)
    return components
