"""The most variable genes of an RNA table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.preprocessing import StandardScaler

from napari_trsmi.preprocessing.counts import log_normalize, varying

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

FEWEST = 50
"""Genes that a trend is fitted to at least; with a handful scikit-misc's loess crashes Python."""


def variable_genes(table: AnnData, n_top_genes: int, *, counted: bool) -> NDArray[np.bool_]:
    """Which genes vary most.

    Counts are ranked as by Seurat v3, normalised values as by Seurat, both relative to genes of
    the same mean. In shallow tables so many genes share mean and variance that no trend can be
    fitted; these, and small panels, are ranked by the variance of the logarithms.

    Parameters
    ----------
    table
        Spots x genes.
    n_top_genes
        Number of genes.
    counted
        Whether the table holds counts.

    Returns
    -------
    ndarray
        Shape (n_genes,). Constant genes are never chosen, so there may be fewer than asked for;
        ties may make it more.
    """
    import scanpy as sc

    differing = varying(table.X)
    if differing.sum() <= n_top_genes:
        return differing
    work = table[:, differing].copy()
    chosen = np.zeros(table.n_vars, dtype=bool)
    if work.n_vars >= FEWEST:
        flavor = "seurat_v3" if counted else "seurat"
        try:
            ranked = sc.pp.highly_variable_genes(
                work, n_top_genes=n_top_genes, flavor=flavor, inplace=False
            )
        except (ValueError, IndexError):
            pass
        else:
            chosen[differing] = ranked["highly_variable"]
            return chosen
    if counted:
        log_normalize(work)
    variance = StandardScaler(with_mean=False).fit(work.X).var_
    chosen[np.flatnonzero(differing)[np.argsort(-variance, kind="stable")[:n_top_genes]]] = True
    return chosen
