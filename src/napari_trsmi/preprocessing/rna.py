"""RNA counts to components: variable genes, normalise, log, scale, PCA."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.preprocessing.counts import (
    are_counts,
    log_normalize,
    principal_components,
    varying,
)
from napari_trsmi.preprocessing.variable_genes import variable_genes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MIN_SPOTS = 10
_MIN_SHARE = 0.01
LARGEST_LOGARITHM = 50.0
"""No logarithm of an expression is larger: such values are counts per million, or corrected."""

LINEAR = "values are not counts, and too large for logarithms: scaled to depth and logged"

CLIP = 10.0
"""Standard deviations above its mean that a gene's values are cut off at."""


def rna_components(
    table: AnnData, *, n_top_genes: int, n_components: int, seed: int
) -> tuple[NDArray[np.float32], list[str]]:
    """Components of an RNA table.

    Genes seen in fewer than 10 spots (or 1% of them, if that is fewer) are left out, the most
    variable ones chosen on the counts (Seurat v3), and each spot scaled to the median count before
    the logarithm. Tables that are already logged skip these two steps, and fractions that are too
    large for logarithms (counts per million, corrected counts) take the second.

    Parameters
    ----------
    table
        Spots x genes.
    n_top_genes
        Variable genes kept.
    n_components, seed
        See `principal_components`.

    Returns
    -------
    components
        ``float32``, shape (n_spots, ≤ n_components).
    notes
        What was done that the user may want to know.
    """
    import scanpy as sc

    notes: list[str] = []
    work = AnnData(table.X.copy(), var=table.var[[]].copy())
    counted = are_counts(work)
    linear = counted or float(work.X.max()) > LARGEST_LOGARITHM
    if linear and not counted:
        notes.append(LINEAR)
    elif not counted:
        notes.append("values are not counts: taken as normalised, no scaling to depth, no log")
    enough = enough_spots(work.n_obs)
    seen = np.asarray((work.X != 0).sum(axis=0)).ravel() >= enough
    if seen.any() and not seen.all():
        notes.append(f"{int((~seen).sum())} genes seen in fewer than {enough} spots left out")
        work = work[:, seen].copy()
    if linear and not counted:
        log_normalize(work)  # as which their genes are ranked
    chosen = np.ones(work.n_vars, dtype=bool)
    if work.n_vars > n_top_genes:
        chosen = variable_genes(work, n_top_genes, counted=counted)
        if not chosen.any():
            return np.zeros((work.n_obs, 1), dtype=np.float32), notes
        notes.append(f"{int(chosen.sum())} highly variable genes kept")
    if counted:
        log_normalize(work)  # by the depth of all genes: that of the chosen ones is tissue too
    if not chosen.all():
        work = work[:, chosen].copy()
    if not (differing := varying(work.X)).all():
        work = work[:, differing].copy()
    # without centring, so that sparse stays sparse; PCA centres implicitly
    sc.pp.scale(work, zero_center=False)
    ceiling = (work.var["mean"] / work.var["std"] + CLIP).to_numpy(dtype=np.float32)
    return principal_components(at_most(work.X, ceiling), n_components, seed=seed), notes


def enough_spots(n_spots: int) -> int:
    """How many spots a gene must be seen in."""
    return max(1, min(_MIN_SPOTS, int(_MIN_SHARE * n_spots)))


def at_most(
    matrix: sp.csr_matrix | NDArray[np.floating], ceiling: NDArray[np.float32]
) -> sp.csr_matrix | NDArray[np.floating]:
    """The matrix with each column cut off at its (positive) ceiling."""
    if not sp.issparse(matrix):
        cut: NDArray[np.floating] = np.minimum(matrix, ceiling)
        return cut
    rows = matrix.tocsr()
    rows.data = np.minimum(rows.data, ceiling[rows.indices])
    return rows
