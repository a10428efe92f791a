"""Boundaries of domains as one layer that draws fast.

They are a Vectors layer, which draws all lines as one mesh: a quarter of a million appear in a
second. A Shapes layer needs that for ten thousand polylines, and up to ten seconds for the first
one of a session, to compile (``benchmark/speed/boundaries.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.errors import InputError
from napari_trsmi.spots.boundaries import domain_boundaries
from napari_trsmi.spots.pitch import spot_pitch
from napari_trsmi.viewer.attached import result_of
from napari_trsmi.viewer.register import contrasting_color, register_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Points, Vectors
    from numpy.typing import NDArray

    from napari_trsmi.spots.boundaries import Boundary
    from napari_trsmi.viewer.section.layers import LayerData

_OF_PITCH = 1 / 6
_OF_EXTENT = 1 / 400  # about two pixels where the section fills the canvas


def add_boundaries(
    viewer: ViewerModel,
    points_layer: Points,
    *,
    width: float | None = None,
    color: str | None = None,
    name: str | None = None,
    boundaries: Sequence[Boundary] | None = None,
) -> Vectors:
    """Add the boundaries of domains over their spots, as one layer.

    Parameters
    ----------
    viewer
        Where to add it.
    points_layer
        A layer that shows domains (`napari_trsmi.add_domains`): the boundaries are those of its
        result, with the same transforms, units and axis labels.
    width
        Of the lines, in the points' coordinate units. None takes a sixth of the spots' distance,
        or more where that would be too thin to see.
    color
        Of the lines. None takes black or white, whichever stands out from the tissue image, or
        from the canvas if there is no image.
    name
        Of the layer. None names it after the points. The points stay the active layer.

    boundaries
        Of the layer's result, from `domain_boundaries`, for a caller that finds them in a thread:
        100,000 spots take seconds. None finds them here.

    Returns
    -------
    The Vectors layer, with a feature ``domains`` that names the two that a line separates. It is
    empty where no two neighbours differ.

    Raises
    ------
    InputError
        If the layer shows no domains, or `width` is not positive.
    """
    result = result_of(points_layer)
    if result is None:
        raise InputError(
            f"Layer {points_layer.name!r} shows no domains. Choose one that "
            "napari_trsmi.add_domains made, or run the integration first."
        )
    result = result.side_by_side()
    found = boundaries
    if found is None:
        found = domain_boundaries(result.coordinates, result.domains)
    looks = looks_of(viewer, points_layer)
    if color is not None:
        looks["edge_color"] = color
    if name is not None:
        looks["name"] = name
    data, arguments, _ = boundaries_data(found, result.coordinates, looks, width=width)
    lines = viewer.add_vectors(data, **arguments)
    if points_layer in viewer.layers:
        viewer.layers.selection.active = points_layer  # so that hovering still tells of spots
    return lines


def looks_of(viewer: ViewerModel, points_layer: Points) -> dict[str, Any]:
    """Name, colour and place of the boundaries of a layer's domains, as napari's arguments."""
    return {
        "edge_color": contrasting_color(viewer),
        "name": f"Boundaries of {points_layer.name}",
        **register_of(points_layer),
    }


def boundaries_data(
    found: Sequence[Boundary],
    coordinates: NDArray[np.float64],
    looks: dict[str, Any],
    *,
    width: float | None = None,
) -> LayerData:
    """The Vectors layer of `add_boundaries` as layer data; no window is asked, so a thread may.

    Parameters
    ----------
    found
        The boundaries.
    coordinates
        Of the spots, columns x and y, as the boundaries were found from.
    looks
        What `looks_of` says, or others.
    width
        As for `add_boundaries`.
    """
    if width is None:
        width = _readable_width(coordinates)
    if not width > 0:
        raise InputError(f"width is {width}; it must be positive, in coordinate units.")
    arguments = {
        **looks,
        "edge_width": width,
        "vector_style": "line",
        "opacity": 1,  # the lines' ends overlap
        "features": _features(found),
    }
    return _lines(found, width), arguments, "vectors"


def _readable_width(coordinates: NDArray[np.float64]) -> float:
    extent = float(np.ptp(coordinates, axis=0).max())
    pitch = spot_pitch(coordinates) or 1.0
    return max(_OF_PITCH * pitch, _OF_EXTENT * extent)


def _lines(found: Sequence[Boundary], width: float) -> NDArray[np.float64]:
    """Return start and direction of each line as row, column, shape (n_lines, 2, 2)."""
    if not found:
        return np.zeros((0, 2, 2))
    starts = np.concatenate([boundary.path[:-1, ::-1] for boundary in found])
    ends = np.concatenate([boundary.path[1:, ::-1] for boundary in found])
    along = ends - starts
    # Half a width longer at both ends, so that the lines' corners are filled.
    beyond = along * (width / 2 / np.linalg.norm(along, axis=1, keepdims=True))
    return np.stack([starts - beyond, along + 2 * beyond], axis=1)


def _features(found: Sequence[Boundary]) -> pd.DataFrame:
    between = [" | ".join(boundary.domains) for boundary in found]
    n_lines = [len(boundary.path) - 1 for boundary in found]
    # Text, not categories: napari recolours a layer whose text it takes for categories.
    return pd.DataFrame({"domains": np.repeat(np.array(between, dtype=object), n_lines)})
