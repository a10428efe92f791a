"""The most variable genes of a stored table, ranked as those of one in memory are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from anndata import AnnData

from napari_trsmi.data.stored import is_sparse
from napari_trsmi.preprocessing.stored.columns import Columns
from napari_trsmi.preprocessing.variable_genes import FEWEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_trsmi.data.stored import StoredMatrix

_SPAN = 0.3  # of the trend's loess, as in Seurat v3


def stored_variable_genes(
    matrix: StoredMatrix, columns: Columns, n_top_genes: int, logged: StoredMatrix
) -> NDArray[np.bool_]:
    """Which genes vary most, see `napari_trsmi.preprocessing.variable_genes.variable_genes`.

    Parameters
    ----------
    matrix
        Spots x genes.
    columns
        What is known of them.
    n_top_genes
        Number of genes.
    logged
        Their log-normalised values, if they are counts; else the same as `matrix`.
    """
    differing = columns.differing
    if differing.sum() <= n_top_genes:
        return differing
    work, known = matrix[:, differing], columns.only(differing)
    chosen = np.zeros(len(differing), dtype=bool)
    if len(known.means) >= FEWEST:
        found = _by_trend(work, known, n_top_genes) if known.whole else _by_bins(work, n_top_genes)
        if found is not None:
            chosen[np.flatnonzero(differing)[found]] = True
            return chosen
    variances = Columns.of(logged[:, differing]).variances
    chosen[np.flatnonzero(differing)[np.argsort(-variances, kind="stable")[:n_top_genes]]] = True
    return chosen


def _by_bins(matrix: StoredMatrix, n_top_genes: int) -> NDArray[np.intp] | None:
    import scanpy as sc

    table = AnnData(matrix.as_dask())
    try:
        found = sc.pp.highly_variable_genes(
            table, n_top_genes=n_top_genes, flavor="seurat", inplace=False
        )
    except (ValueError, IndexError):
        return None
    return np.flatnonzero(found["highly_variable"])


def _by_trend(matrix: StoredMatrix, columns: Columns, n_top_genes: int) -> NDArray[np.intp] | None:
    """Rank by variance in units of what a gene's mean lets expect (Stuart et al. 2019).

    The trend is a loess of log10 variance on log10 mean; counts above √n expected deviations count
    as that many, so that a few spots do not make a gene variable. scanpy has no dask path for it.
    """
    from skmisc.loess import loess

    n = matrix.shape[0]
    trend = loess(np.log10(columns.means), np.log10(columns.variances), span=_SPAN, degree=2)
    try:
        trend.fit()
    except ValueError:
        return None
    expected = np.sqrt(10**trend.outputs.fitted_values)
    most = expected * np.sqrt(n) + columns.means
    sums, squares = matrix.summed(partial(_cut_sums, most=most))
    deviations = squares - 2 * columns.means * sums + n * columns.means**2
    return np.argsort(-deviations / ((n - 1) * expected**2))[:n_top_genes]


def _cut_sums(chunk: Any, most: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sums of the counts and of their squares, after they are cut off."""
    cut, genes = _at_most(chunk, most)
    if genes is None:
        return cut.sum(axis=0), np.square(cut).sum(axis=0)
    return (
        np.bincount(genes, cut, minlength=len(most)),
        np.bincount(genes, np.square(cut), minlength=len(most)),
    )


def _at_most(chunk: Any, most: NDArray[np.float64]) -> tuple[Any, NDArray[Any] | None]:
    """Cut off counts; of what is sparse the stored ones and their columns."""
    if is_sparse(chunk):
        return np.minimum(chunk.data.astype(np.float64), most[chunk.indices]), chunk.indices
    return np.minimum(chunk.astype(np.float64), most), None
