"""Domains as filled areas: a picture in which every place has the colour of its nearest spot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.spots.pitch import spot_pitch
from napari_trsmi.viewer.plane import Plane

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer
    from numpy.typing import NDArray

    from napari_trsmi.viewer.domains.layer import DomainLayer

AREAS = "trsmi_areas"
"""Marks a layer of areas in its metadata: it is no picture of the tissue."""

_PIXELS = 1000  # of the longer side
_REACH = 0.75  # of the spots' distance: their cells, without the holes in the tissue


def nearest_spots(places: NDArray[np.float64]) -> tuple[NDArray[np.int32], float]:
    """Find the nearest spot of every pixel of a grid over the spots.

    Parameters
    ----------
    places
        Row and column of the spots, shape (n_spots, 2).

    Returns
    -------
    tuple
        Indices of spots, -1 where there is none near, shape (height, width); and the pixels' width
        in the spots' units. Half a pixel after the least row and column, less the reach of a spot,
        is the centre of the first pixel.
    """
    from scipy.spatial import cKDTree

    reach = _REACH * (spot_pitch(places) or 1.0)
    low, extent = places.min(axis=0) - reach, np.ptp(places, axis=0) + 2 * reach
    step = float(extent.max()) / _PIXELS
    rows, columns = (
        start + step * (np.arange(int(np.ceil(length / step))) + 0.5)
        for start, length in zip(low, extent, strict=True)
    )
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    _, nearest = cKDTree(places).query(grid, distance_upper_bound=reach)
    return np.where(nearest == len(places), -1, nearest).astype(np.int32), step


def add_areas(
    viewer: ViewerModel, domains: DomainLayer, nearest: NDArray[np.int32], step: float
) -> Image:
    """Add the areas of a layer's domains, in register with its spots.

    Parameters
    ----------
    viewer
        Where to add them; the layer that was active stays so.
    domains
        Whose spots.
    nearest, step
        From `nearest_spots`, which a caller may run in a thread.

    Returns
    -------
    The image layer, right below the spots.
    """
    points, plane = domains.layer, Plane.of(domains.layer)
    places = np.asarray(points.data, dtype=np.float64)[:, -2:]
    first = places.min(axis=0) - _REACH * (spot_pitch(places) or 1.0) + step / 2
    affine = np.eye(3)
    affine[:2, :2], affine[:2, 2] = plane.matrix * step, plane.to_world(first)
    active = viewer.layers.selection.active
    layer = viewer.add_image(
        area_colors(domains, nearest),
        rgb=True,
        affine=affine,
        units=points.units,
        axis_labels=points.axis_labels,
        opacity=points.opacity,
        name=f"Areas of {points.name}",
        metadata={AREAS: True},
    )
    place, own = viewer.layers.index(points), viewer.layers.index(layer)
    if own != place - 1:
        viewer.layers.move(own, place)
    viewer.layers.selection.active = active
    return layer


def area_colors(domains: DomainLayer, nearest: NDArray[np.int32]) -> NDArray[np.uint8]:
    """RGBA of every pixel as the spots are coloured now; clear where there is no spot."""
    table = np.vstack([np.rint(255 * domains.colors), np.zeros((1, 4))]).astype(np.uint8)
    colors: NDArray[np.uint8] = table[nearest]  # -1 is the last
    return colors


def shows_areas(layer: Layer) -> bool:
    """Whether a layer is made of domains, and is no picture."""
    return bool(layer.metadata.get(AREAS))
