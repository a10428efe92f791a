"""Areas that were drawn elsewhere, such as in QuPath, as a Shapes layer over the section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.data.reading.geojson import read_geojson
from napari_trsmi.errors import InputError
from napari_trsmi.palette import extended_colors
from napari_trsmi.viewer.attached import spots_of
from napari_trsmi.viewer.register import register_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_trsmi.data.reading.geojson import DrawnArea
    from napari_trsmi.viewer.section.layers import LayerData

_MOST = 3000  # that napari draws in a few seconds
_LINE = 1 / 400  # of the extent


def is_geojson(path: Path) -> bool:
    """Tell GeoJSON by its name."""
    return path.name.lower().endswith(".geojson")


def areas_data(path: Path, viewer: ViewerModel | None) -> LayerData:
    """Areas of a GeoJSON as layer data of shapes, with their class and name as features.

    Parameters
    ----------
    path
        The file; its places are taken for pixels of the full-resolution image, as the spots' are.
    viewer
        Where they are shown: they get the transforms of the topmost spots of a section.

    Raises
    ------
    InputError
        If there is no area in it, or more than napari can draw.
    """
    areas = read_geojson(path)
    if len(areas) > _MOST:
        raise InputError(
            f"{path.name} has {len(areas):,} areas, more than napari can draw ({_MOST:,}). Export "
            "the annotations without cells and detections."
        )
    said = {area.classification: area.color for area in areas}
    colors = extended_colors({name: color for name, color in said.items() if color}, list(said))
    places = np.concatenate([area.rings[0] for area in areas])
    arguments: dict[str, Any] = {
        "name": path.stem,
        "shape_type": "polygon",
        "features": pd.DataFrame(
            {
                "classification": [area.classification for area in areas],
                "name": [area.name for area in areas],
            }
        ),
        "edge_color": [colors[area.classification] for area in areas],
        "face_color": [colors[area.classification] + "30" for area in areas],
        "edge_width": float(np.ptp(places, axis=0).max()) * _LINE,
    }
    layers = [] if viewer is None else list(viewer.layers)
    section = next((layer for layer in reversed(layers) if spots_of(layer) is not None), None)
    if section is not None:
        arguments |= register_of(section)
    return [_outline(area) for area in areas], arguments, "shapes"


def _outline(area: DrawnArea) -> NDArray[np.float64]:
    """Return one line around an area and its holes, as (row, column).

    It goes from the outer ring into each hole and back the same way, for napari's polygons have no
    holes; what is inside is the same.
    """
    outer, *holes = area.rings
    path = [outer]
    for hole in holes:
        path += [hole, outer[:1]]
    return np.concatenate(path)[:, ::-1]
