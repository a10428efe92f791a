"""The spots that two labellings disagree on, as one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError
from napari_trsmi.palette import domain_colors
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.register import contrasting_color, register_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel
    from napari.layers import Points

    from napari_trsmi.analysis.comparison import Comparison

_BORDER = 0.2  # of a point's size


def add_disagreements(
    viewer: ViewerModel,
    points_layer: Points,
    comparison: Comparison,
    *,
    first_colors: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Points:
    """Add the spots whose two labels differ, in the colour of the second label, ringed.

    Parameters
    ----------
    viewer
        Where to add it.
    points_layer
        A layer of the spots that were compared: the new one has its transforms, units, axis labels
        and point sizes.
    comparison
        From `napari_trsmi.analysis.comparison.compare`.
    first_colors
        Hex colours of the first's labels; a label of the second has that of its partner. None
        takes those of the layer's domains, where it shows the first, else the palette's.
    name
        Of the layer. None names it after the points. The points stay the active layer.

    Returns
    -------
    The Points layer, with features ``spot``, ``first``, ``second`` and ``second_matched``, the
    first's name for the second's label.

    Raises
    ------
    InputError
        If the points have no spot names or none that was compared, or no spot differs.
    """
    spots = _spot_names(points_layer)
    differing = comparison.disagreement.reindex(spots)
    if differing.isna().all():
        raise InputError(
            f"Layer {points_layer.name!r} has none of the spots that were compared. Choose the "
            "layer of one of the two."
        )
    shown = differing.eq(True).to_numpy()
    if not shown.any():
        raise InputError(
            f"The two agree on all {counted(comparison.n_spots, 'spot')} that they share: there "
            "is nothing to show."
        )
    colors = comparison.second_colors(_first_colors(points_layer, comparison, first_colors))
    first = comparison.first.reindex(spots[shown]).astype(str).to_numpy()
    second = comparison.second.reindex(spots[shown]).astype(str)
    features = pd.DataFrame(
        {
            "spot": spots[shown].astype(str),
            "first": first,
            "second": pd.Categorical(second, categories=list(colors)),
            "second_matched": second.map(comparison.matched).fillna("none").to_numpy(),
        }
    )
    layer = viewer.add_points(
        points_layer.data[shown],
        features=features,
        face_color="second",
        face_color_cycle=colors,  # a dict: a list would not follow the categories
        border_color=contrasting_color(viewer),
        border_width=_BORDER,
        size=points_layer.size[shown],
        name=f"Disagreements of {points_layer.name}" if name is None else name,
        **register_of(points_layer),
    )
    if points_layer in viewer.layers:
        viewer.layers.selection.active = points_layer
    return layer


def _spot_names(layer: Points) -> pd.Index:
    """Return the names of a layer's points, in their order."""
    result, dataset = result_of(layer), dataset_of(layer)
    if result is not None:
        names = result.domains.index
    elif dataset is not None:
        names = dataset.spots
    elif "spot" in layer.features:
        names = pd.Index(layer.features["spot"].astype(str))
    else:
        raise InputError(
            f"The points of layer {layer.name!r} have no names. Choose one that shows domains or "
            "tables, or give it a feature 'spot'."
        )
    if len(names) != len(layer.data):
        raise InputError(
            f"Layer {layer.name!r} has {counted(len(layer.data), 'point')}, but "
            f"{counted(len(names), 'spot')}: points were added or deleted. Add the layer again."
        )
    return names


def _first_colors(
    layer: Points, comparison: Comparison, given: Mapping[str, str] | None
) -> Mapping[str, str]:
    names = [str(name) for name in comparison.first.cat.categories]
    if given is not None:
        return given
    result = result_of(layer)
    if result is not None and set(names) <= set(result.colors):
        return result.colors
    return domain_colors(names)
