"""What a Points layer carries: the tables of its spots, and the run that coloured it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Layer

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult

DATASET = "trsmi_dataset"
RESULT = "trsmi_result"
COLORS = "trsmi_domain_colors"


def attached(
    *, dataset: SpatialOmics | None = None, result: TRSMIResult | None = None
) -> dict[str, Any]:
    """Metadata for a layer of the spots of `dataset`, or of the domains of `result`."""
    metadata: dict[str, Any] = {}
    if dataset is not None:
        metadata[DATASET] = dataset
    if result is not None:
        metadata |= {RESULT: result, COLORS: result.colors}
    return metadata


def dataset_of(layer: Layer) -> SpatialOmics | None:
    """The tables measured on a layer's points, in the order of the points."""
    found: SpatialOmics | None = layer.metadata.get(DATASET)
    return found


def result_of(layer: Layer) -> TRSMIResult | None:
    """The run that a layer shows."""
    found: TRSMIResult | None = layer.metadata.get(RESULT)
    return found


def spots_of(layer: Layer) -> pd.Index | None:
    """Names of a layer's spots, if it carries tables or a run."""
    result, dataset = result_of(layer), dataset_of(layer)
    if result is not None:
        return result.domains.index
    return None if dataset is None else dataset.spots
