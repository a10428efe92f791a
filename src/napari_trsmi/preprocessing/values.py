"""A modality's values as they compare between spots, by kind: to rank features and to show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from anndata import AnnData

from napari_trsmi.data.dataset import Kind
from napari_trsmi.preprocessing.counts import are_counts, dense, log_normalize
from napari_trsmi.preprocessing.metabolite import relative_intensities
from napari_trsmi.preprocessing.protein import centered_log_ratio

if TYPE_CHECKING:
    from napari_trsmi.data.dataset import Modality


def comparable_values(modality: Modality) -> AnnData:
    """Take what differs only by a spot's depth out of a table.

    RNA and chromatin are scaled to the median count of the spots and logged, protein is a centred
    log-ratio (see `napari_trsmi.preprocessing.protein`), metabolites are shares of a spot's total,
    all as log(1 + x) of something that is 0 where
    nothing was counted. TF-IDF would give each peak a scale of its own, which neither the
    comparison of spots nor a fold change needs. Values that are no counts stay as they are.

    Parameters
    ----------
    modality
        The table; it is not changed. One that is stored is read.

    Returns
    -------
    A new AnnData with the same names, sparse where the table is, but for protein.
    """
    modality = modality.in_memory()
    table = AnnData(
        X=modality.table.X.copy(),
        obs=modality.table.obs[[]].copy(),
        var=modality.table.var[[]].copy(),
    )
    if modality.kind is Kind.METABOLITE:
        table.X = relative_intensities(dense(table.X)).astype(np.float32)
        return table
    if not modality.kind.is_counted or not are_counts(table):
        return table
    if modality.kind is Kind.PROTEIN:
        values = dense(table.X).astype(np.float64)
        table.X = centered_log_ratio(values).astype(np.float32)
    else:
        log_normalize(table)
    return table
