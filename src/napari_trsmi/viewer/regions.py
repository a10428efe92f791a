"""What a person drew on the tissue: which region of a Shapes or Labels layer each place lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.errors import InputError
from napari_trsmi.viewer.plane import Plane

if TYPE_CHECKING:
    from napari.layers import Labels, Layer, Shapes
    from numpy.typing import NDArray

NAMES = ("classification", "class", "label", "name")
"""Features of a layer that say what a region is called, the preferred first."""

TOOL = "trsmi_tool"
"""Marks a layer that is drawn in for a moment, in its metadata: no region."""

_AREAS = ("polygon", "rectangle", "ellipse")


def has_regions(layer: Layer) -> bool:
    """Whether a layer is one that regions are drawn in: Shapes, or flat Labels."""
    from napari.layers import Labels, Shapes

    if TOOL in layer.metadata:
        return False
    return isinstance(layer, Shapes) or (isinstance(layer, Labels) and layer.ndim == 2)


def drawing_events(layer: Layer) -> list[Any]:
    """Events of a layer that tell of drawing and painting."""
    named = ("data", "paint", "labels_update", "features")
    return [getattr(layer.events, name) for name in named if hasattr(layer.events, name)]


def region_of(layer: Layer, world: NDArray[np.floating]) -> pd.Categorical[str]:
    """Return the region that each place lies in.

    Parameters
    ----------
    layer
        Polygons, rectangles and ellipses, of which the topmost counts, or brush strokes. Regions
        are called by a feature of the layer (`NAMES`) if it has one, else by their numbers; shapes
        of one name are one region.
    world
        Places as (row, column) in the world, shape (n, 2).

    Returns
    -------
    Names, missing for places in no region.

    Raises
    ------
    InputError
        If the layer has no region.
    """
    from napari.layers import Shapes

    places = Plane.of(layer).to_data(np.asarray(world, dtype=np.float64))
    number, names = (_of_shapes if isinstance(layer, Shapes) else _of_labels)(layer, places)
    known = list(dict.fromkeys(names))
    code = np.array([-1, *(known.index(name) for name in names)], dtype=np.intp)
    return pd.Categorical.from_codes(code[number], pd.Index(known))


def _of_shapes(layer: Shapes, places: NDArray[np.float64]) -> tuple[NDArray[np.intp], list[str]]:
    """Return the shape that each place lies in, counted from 1 (0: none), and the shapes' names."""
    from matplotlib.path import Path

    drawn = [at for at, kind in enumerate(layer.shape_type) if kind in _AREAS]
    if not drawn:
        raise InputError(
            f"Layer {layer.name!r} has no polygon, rectangle or ellipse. Draw one around a region."
        )
    number = np.zeros(len(places), dtype=np.intp)
    for count, at in enumerate(drawn, start=1):
        corners = np.asarray(layer.data[at], dtype=np.float64)[:, -2:]
        if layer.shape_type[at] == "ellipse":
            middle, one, other = corners.mean(axis=0), corners[1], corners[3]
            half = np.column_stack([one - corners[0], other - corners[0]]) / 2
            if np.linalg.det(half) == 0:
                continue
            inside = np.linalg.norm((places - middle) @ np.linalg.inv(half).T, axis=1) <= 1
        else:
            inside = Path(corners).contains_points(places)
        number[inside] = count
    return number, _named(layer, drawn, [str(count + 1) for count in range(len(drawn))])


def _of_labels(layer: Labels, places: NDArray[np.float64]) -> tuple[NDArray[np.intp], list[str]]:
    """Return the label at each place, counted from 1 (0: none), and the labels' names."""
    pixels = np.asarray(layer.data[0] if layer.multiscale else layer.data)
    at = np.rint(places).astype(np.intp)
    on = ((at >= 0) & (at < pixels.shape)).all(axis=1)
    value = np.zeros(len(places), dtype=np.int64)
    value[on] = pixels[tuple(at[on].T)]
    drawn = [int(label) for label in np.unique(value) if label > 0]
    if not drawn and not (pixels > 0).any():
        raise InputError(f"Nothing is painted in layer {layer.name!r}. Paint a region first.")
    number = np.searchsorted(drawn, value) + 1 if drawn else np.zeros(len(places), dtype=np.intp)
    number = np.where(value > 0, number, 0)
    rows = [_row_of(layer, label) for label in drawn]
    return number, _named(layer, rows, [str(label) for label in drawn])


def _row_of(layer: Labels, label: int) -> int:
    """Return the row of the features that is of a label, -1 for none."""
    if "index" in layer.features:
        found = np.flatnonzero(layer.features["index"] == label)
        return int(found[0]) if len(found) else -1
    return label if label < len(layer.features) else -1


def _named(layer: Layer, rows: list[int], otherwise: list[str]) -> list[str]:
    features = layer.features
    plain = {str(column).lower(): column for column in reversed(list(features.columns))}
    column = next((plain[name] for name in NAMES if name in plain), None)
    if column is None:
        return otherwise
    said = ["" if row < 0 else features[column].iloc[row] for row in rows]
    return [
        str(name) if not pd.isna(name) and str(name).strip() else number
        for name, number in zip(said, otherwise, strict=True)
    ]
