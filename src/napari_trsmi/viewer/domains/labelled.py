"""Other labels of the same spots as a layer of their own, to lay beside the domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from napari_trsmi.viewer.register import register_of
from napari_trsmi.viewer.section.layers import UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel
    from napari.layers import Points

_GREY = "#808080"


def add_labels(
    viewer: ViewerModel,
    points_layer: Points,
    labels: pd.Series,
    colors: Mapping[str, str],
    *,
    name: str,
) -> Points:
    """Add the spots of a layer once more, coloured by other labels.

    Parameters
    ----------
    viewer
        Where to add it. The layer that was active stays so.
    points_layer
        A layer of the same spots: the new one has its transforms, units and point sizes.
    labels
        In the order of the points; NaN or None where a spot has none, which is then grey.
    colors
        Hex colours of the labels as text.
    name
        Of the layer. A name that is taken gets a number.

    Returns
    -------
    The Points layer, with a feature ``label``.
    """
    text = labels.astype("string").fillna(UNLABELLED).astype(object).to_numpy()
    known = {**{str(label): color for label, color in colors.items()}, UNLABELLED: _GREY}
    active = viewer.layers.selection.active
    layer = viewer.add_points(
        points_layer.data,
        features=pd.DataFrame({"label": pd.Categorical(text, categories=list(known))}),
        face_color="label",
        face_color_cycle=known,  # a dict: a list would not follow the categories
        border_width=0,
        size=points_layer.size,
        name=name,
        **register_of(points_layer),
    )
    viewer.layers.selection.active = active
    return layer
