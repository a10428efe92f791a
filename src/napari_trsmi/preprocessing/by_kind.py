"""The feature matrix of a modality, by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.data.dataset import Kind, Modality
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.chromatin import chromatin_components
from napari_trsmi.preprocessing.counts import dense, principal_components, varying
from napari_trsmi.preprocessing.image.components import image_components
from napari_trsmi.preprocessing.metabolite import metabolite_components
from napari_trsmi.preprocessing.protein import protein_components
from napari_trsmi.preprocessing.rna import rna_components
from napari_trsmi.preprocessing.stored.by_kind import stored_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_trsmi.config import Config


def feature_matrix(modality: Modality, config: Config) -> tuple[NDArray[np.float32], list[str]]:
    """Preprocess one modality.

    Parameters
    ----------
    modality
        A table of counts, or of ready features, which are used as they are up to
        ``n_components`` columns and reduced by PCA beyond.
    config
        Numbers of genes and components, seed.

    Returns
    -------
    components
        ``float32``, shape (n_spots, n_components_m).
    notes
        One sentence for each thing worth knowing, starting with the modality's name.

    Raises
    ------
    InputError
        If all spots are the same.
    """
    table, size, seed = modality.table, config.n_components, config.seed
    if modality.stored is not None:
        components, notes = stored_components(modality.stored, modality.kind, config)
    elif modality.kind is Kind.RNA:
        components, notes = rna_components(
            table, n_top_genes=config.n_top_genes, n_components=size, seed=seed
        )
    elif modality.kind is Kind.PROTEIN:
        components, notes = protein_components(table, n_components=size, seed=seed)
    elif modality.kind is Kind.CHROMATIN:
        components, notes = chromatin_components(table, n_components=size, seed=seed)
    elif modality.kind is Kind.METABOLITE:
        components, notes = metabolite_components(table, n_components=size, seed=seed)
    elif modality.kind is Kind.IMAGE:
        components, notes = image_components(table, n_components=size, seed=seed)
    else:
        ready = dense(table.X)
        components, notes = ready.astype(np.float32), []
        if ready.shape[1] > size:
            components = principal_components(ready, size, seed=seed)
            notes = [f"{ready.shape[1]} ready features reduced to {size} principal components"]
    if not varying(components).any():
        raise InputError(
            f"Table {modality.name!r}: after preprocessing all spots are the same, so it tells "
            "nothing about domains. Leave the table out, or check that it holds what it should."
        )
    return components, [f"{modality.name}: {note}." for note in notes]
