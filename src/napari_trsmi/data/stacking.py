"""Sections one below the other: tables that some of them lack, with what was measured marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from napari_trsmi.data.dataset import Modality, SpatialOmics

if TYPE_CHECKING:
    from napari_trsmi.data.section_set import SectionSet


def stacked(data: SectionSet) -> SpatialOmics:
    """What `SectionSet.stacked` returns."""
    return SpatialOmics(
        modalities=tuple(_stacked(data, name) for name in data.names),
        coordinates=data.coordinates,
        spots=data.spots,
        annotations=data.annotations,
        square_spots=data.square_spots,
        notes=data.notes,
    )


def _stacked(data: SectionSet, name: str) -> Modality:
    from anndata import AnnData

    having = dict(data.having(name))
    first = next(iter(having.values()))
    features: pd.Index = first.table.var_names
    for other in having.values():
        features = features[features.isin(other.table.var_names)]
    values = {section: own.in_memory().table[:, features].X for section, own in having.items()}
    is_sparse = any(sp.issparse(one) for one in values.values())
    empty: Any = sp.csr_matrix if is_sparse else np.zeros
    parts = [
        values[section] if section in values else empty((omics.n_spots, len(features)))
        for section, omics in data.sections.items()
    ]
    matrix: Any = sp.vstack(parts, format="csr") if is_sparse else np.vstack(parts)
    measured = np.repeat(
        [section in having for section in data.sections],
        [omics.n_spots for omics in data.sections.values()],
    )
    table = AnnData(X=matrix, obs=pd.DataFrame(index=data.spots), var=pd.DataFrame(index=features))
    return Modality(name, first.kind, table, measured=None if measured.all() else measured)
