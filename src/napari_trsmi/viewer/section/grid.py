"""Several sections before a run, side by side in a grid as the domains of their run will lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.spots.layout import Place, places_of
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.plane import Plane
from napari_trsmi.viewer.section.layers import spots_data
from napari_trsmi.viewer.section.pictures import picture_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari.layers import Layer, Points
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.viewer.section.layers import LayerData

SECTION = "trsmi_section"
"""In a layer's metadata: the section of several that were opened together."""

IN_GRID = "trsmi_in_grid"
"""In the metadata of spots: scale and shift of the grid, which is no place of the tissue's own."""


def sections_data(sections: Mapping[str, SpatialOmics]) -> list[LayerData]:
    """Spots of several sections side by side, each over its own picture, as layer data.

    Parameters
    ----------
    sections
        By name, in the order of the grid.
    """
    places = places_of([section.coordinates for section in sections.values()])
    found: list[LayerData] = []
    for (name, section), place in zip(sections.items(), places, strict=True):
        if section.image is not None:
            pixels, shown, kind = picture_at(section.image, name, place)
            found.append((pixels, {**shown, "metadata": {SECTION: name}}, kind))
        points, shown, kind = spots_data(section, name)
        metadata = {**shown["metadata"], SECTION: name, IN_GRID: _kept(place)}
        moved = {"scale": [place.scale] * 2, "translate": place.shift[::-1], "metadata": metadata}
        found.append((points, {**shown, **moved}, kind))
    return found


def lay_side_by_side(sections: Sequence[tuple[Points, Iterable[Layer]]]) -> None:
    """Move sections that are open into a grid, and show them.

    Parameters
    ----------
    sections
        The spots of each, and what lies over or under them: its picture, further tables. All of it
        moves along.
    """
    datasets = [dataset_of(points) for points, _ in sections]
    places = places_of([data.coordinates for data in datasets if data is not None])
    for (points, others), place in zip(sections, places, strict=True):
        before = Plane.of(points)
        turned = np.asarray(place.scale * np.linalg.inv(before.matrix), dtype=np.float64)
        shift = place.shift[::-1] - turned @ before.offset
        for layer in {id(other): other for other in others if other is not points}.values():
            _move(layer, turned, shift)
            layer.visible = True
        _put(points, place)
        points.visible = True


def in_grid(points: Layer) -> Plane | None:
    """Where the grid has put a section's coordinates, unless they were moved since."""
    kept = points.metadata.get(IN_GRID)
    if kept is None:
        return None
    scale, x, y = kept
    now = Plane.of(points)
    if np.allclose(now.matrix, scale * np.eye(2)) and np.allclose(now.offset, (y, x)):
        return now
    return None


def put_into_grid(layer: Points, beside: Points) -> None:
    """Draw a run where the grid has put the spots that it is of, if it has."""
    plane = in_grid(beside)
    if plane is not None:
        _put(layer, Place(plane.magnification, plane.offset[::-1]))


def _kept(place: Place) -> list[float]:
    return [float(place.scale), *map(float, place.shift)]


def _put(points: Points, place: Place) -> None:
    """Draw spots at their own coordinates, as the grid scales and shifts them."""
    drawn = points.scale[-1] / Plane.of(points).magnification  # sizes follow the scale alone
    if not np.isclose(drawn, 1):
        points.size = points.size * drawn
    points.affine = np.eye(points.ndim + 1)
    points.rotate = 0.0
    points.shear = [0.0]
    points.scale = [place.scale] * 2
    points.translate = place.shift[::-1]
    points.metadata = {**points.metadata, IN_GRID: _kept(place)}


def _move(layer: Layer, turned: NDArray[np.float64], shift: NDArray[np.float64]) -> None:
    """Move what a layer shows: its place in the world times a matrix, plus a shift."""
    whole = np.eye(layer.ndim + 1)
    whole[-3:-1, -3:-1] = turned
    whole[-3:-1, -1] = shift
    if np.allclose(layer.affine.affine_matrix, np.eye(layer.ndim + 1)) and _is_scaling(turned):
        factor = np.ones(layer.ndim)
        factor[-2:] = turned[0, 0]
        layer.scale = np.asarray(layer.scale) * factor  # sizes of points follow the scale alone
        layer.translate = np.asarray(layer.translate) * factor + whole[:-1, -1]
        return
    layer.affine = whole @ layer.affine.affine_matrix


def _is_scaling(matrix: NDArray[np.float64]) -> bool:
    return bool(np.allclose(matrix, matrix[0, 0] * np.eye(2)) and matrix[0, 0] > 0)
