"""What the labels of a run can be set beside: other runs of the window, and annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from napari_trsmi.viewer.domains.layer import shows_domains

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Points

    from napari_trsmi.viewer.domains.layer import DomainLayer

_MOST_LABELS = 100  # a column with more values names spots, not regions


def other_labels(viewer: ViewerModel, domains: DomainLayer) -> list[tuple[str, Points | str]]:
    """List other runs and the columns that divide the spots into regions.

    Parameters
    ----------
    viewer
        Whose runs.
    domains
        The run, which is none of them.

    Returns
    -------
    What each is called, with its layer or the name of its column.
    """
    own = domains.layer
    others: list[tuple[str, Points | str]] = [
        (f"Run: {layer.name}", layer)
        for layer in viewer.layers
        if layer is not own and shows_domains(layer)
    ]
    annotations = domains.edits.result().annotations
    return others + [(f"Annotation: {column}", column) for column in _regions(annotations)]


def _regions(annotations: pd.DataFrame) -> list[str]:
    """Columns that divide the spots into regions."""
    return [
        str(name)
        for name, column in annotations.items()
        if not pd.api.types.is_float_dtype(column) and 2 <= column.nunique() <= _MOST_LABELS
    ]
