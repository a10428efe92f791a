"""Principal and singular axes of a table that is gone through chunk by chunk."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.linalg import eigh, lu, qr, svd

from napari_trsmi.data.stored import is_sparse

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_trsmi.data.stored import StoredMatrix

Product: TypeAlias = "Callable[[NDArray[Any]], NDArray[np.float64]]"

_SPARSE = 0.1
"""Share of values that are not zero up to which a product of sparse matrices is the faster one."""

_OVERSAMPLES = 10
_ITERATIONS = 7


def principal_components_of(matrix: StoredMatrix, n_components: int) -> NDArray[np.float32]:
    """Principal components by the covariance of the columns, which is summed over the chunks.

    Parameters
    ----------
    matrix
        Shape (n_spots, n_features). The covariance is held: the square of n_features.
    n_components
        At most this many; fewer when the matrix is smaller.

    Returns
    -------
    ndarray
        ``float32``, shape (n_spots, ≤ n_components), as
        `napari_trsmi.preprocessing.counts.principal_components` returns them.
    """
    n, p = matrix.shape
    wanted = max(1, min(n_components, min(n, p) - 1))
    products, sums = matrix.summed(_products_and_sums)
    means = sums / n
    covariance = products
    covariance -= n * np.outer(means, means)
    covariance /= n - 1
    _, axes = eigh(covariance, subset_by_index=[p - wanted, p - 1], overwrite_a=True)
    axes = _turned(axes[:, ::-1])
    scores = np.empty((n, wanted), dtype=np.float32)
    for places, along in matrix.mapped(partial(_along, axes=axes)):
        scores[places] = along - means @ axes
    return scores


def _products_and_sums(chunk: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return _products(chunk), np.asarray(chunk.sum(axis=0, dtype=np.float64)).ravel()


def _along(chunk: Any, axes: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(chunk @ axes)


def _across(chunk: Any, rows: NDArray[Any]) -> tuple[NDArray[np.float64]]:
    return (np.asarray(chunk.T @ rows),)


def _products(chunk: Any) -> NDArray[np.float64]:
    if is_sparse(chunk):
        share = chunk.nnz / max(1, chunk.shape[0] * chunk.shape[1])
        if share < _SPARSE:
            values = chunk.astype(np.float64)
            return np.asarray((values.T @ values).toarray())
        chunk = chunk.toarray()
    values = chunk.astype(np.float64)
    return np.asarray(values.T @ values)


def singular_scores(matrix: StoredMatrix, n_components: int, *, seed: int) -> NDArray[np.float64]:
    """Rows along the first singular axes, by randomized SVD (Halko et al. 2011).

    The random start and the iterations are those of scikit-learn's TruncatedSVD, which takes no
    matrix that it cannot hold: from one start both come to the same.

    Parameters
    ----------
    matrix
        Shape (n_spots, n_features); it is gone through 17 times.
    n_components
        Number of components, less than either side.
    seed
        Seed of the start.
    """
    n, p = matrix.shape
    size = n_components + _OVERSAMPLES
    across, back = _forth(matrix), _back(matrix)
    if n < p:
        across, back = back, across
    start = np.random.RandomState(seed)  # as scikit-learn draws
    basis: NDArray[Any] = start.normal(size=(p if n >= p else n, size))
    for _ in range(_ITERATIONS):
        basis, _ = lu(across(basis), permute_l=True)
        basis, _ = lu(back(basis), permute_l=True)
    basis, _ = qr(across(basis), mode="economic")
    left, _, right = svd(back(basis).T, full_matrices=False)
    axes = right.T if n >= p else basis @ left
    axes = _turned(axes[:, :n_components])
    # as TruncatedSVD: by the axes, which are what is approximated
    return _forth(matrix)(axes)


def _turned(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn axes, a column each, as scikit-learn does: the largest loading is positive."""
    largest = axes[np.argmax(np.abs(axes), axis=0), np.arange(axes.shape[1])]
    turned: NDArray[np.float64] = axes * np.sign(largest)
    return turned


def _forth(matrix: StoredMatrix) -> Product:
    """Multiply the matrix with a dense one."""

    def product(other: NDArray[Any]) -> NDArray[np.float64]:
        out = np.empty((matrix.shape[0], other.shape[1]))
        for places, along in matrix.mapped(partial(_along, axes=other)):
            out[places] = along
        return out

    return product


def _back(matrix: StoredMatrix) -> Product:
    """Multiply the transposed matrix with a dense one."""

    def product(other: NDArray[Any]) -> NDArray[np.float64]:
        (out,) = matrix.summed(_across, other)
        return np.asarray(out, dtype=np.float64)

    return product
