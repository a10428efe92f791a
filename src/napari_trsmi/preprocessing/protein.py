"""Protein counts to components: centred log-ratio, scale, PCA."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.preprocessing.counts import are_counts, dense, principal_components

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray


def protein_components(
    table: AnnData, *, n_components: int, seed: int
) -> tuple[NDArray[np.float32], list[str]]:
    """Components of a protein table.

    The centred log-ratio is taken within each spot, log(1 + x / g) with g the exponential of the
    mean of log(1 + x) over the proteins (Stoeckius et al. 2017, as in Seurat). Panels have tens
    to hundreds of proteins and few zeros, so the table is dense from here on.

    Parameters
    ----------
    table
        Spots x proteins.
    n_components, seed
        See `principal_components`.

    Returns
    -------
    components
        ``float32``, shape (n_spots, ≤ n_components).
    notes
        What was done that the user may want to know.
    """
    values = dense(table.X).astype(np.float64)
    notes: list[str] = []
    if are_counts(table):
        values = centered_log_ratio(values)
    else:
        notes.append("values are not counts: taken as normalised, no centred log-ratio")
    values -= values.mean(axis=0)
    spread = values.std(axis=0)
    values /= np.where(spread > 0, spread, 1.0)
    return principal_components(values, n_components, seed=seed), notes


def centered_log_ratio(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(1 + x / g), g the geometric mean of a spot's 1 + x; shape (n_spots, n_proteins)."""
    ratio: NDArray[np.float64] = np.log1p(
        counts / np.exp(np.log1p(counts).mean(axis=1, keepdims=True))
    )
    return ratio
