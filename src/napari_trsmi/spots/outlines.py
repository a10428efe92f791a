"""Outlines of domains that follow the tissue and not the lattice's stairs.

The lines between areas are smoothed once each, so that neighbours still meet without gap or
overlap. Ends of lines, where three areas meet, stay where they are; closed lines keep their area.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy.ndimage import gaussian_filter1d

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from shapely import Geometry

_STEPS = 4
"""Points of a line within a width."""


def smoothed(areas: Mapping[str, Geometry], width: float) -> dict[str, Geometry]:
    """Smooth areas that touch each other.

    Parameters
    ----------
    areas
        As of `napari_trsmi.spots.boundaries.domain_polygons`, by name.
    width
        Standard deviation along a line, in coordinate units: about the distance between spots. 0
        leaves everything as it is.

    Returns
    -------
    Areas of about the same size by name, which touch and do not overlap. One that is smaller than
    the width may vanish.
    """
    if width <= 0 or not areas:
        return dict(areas)
    outlines: Any = shapely.boundary(list(areas.values()))
    lines = shapely.get_parts(shapely.line_merge(shapely.union_all(outlines)))
    smooth = [_smooth(shapely.get_coordinates(line), width) for line in lines]
    joined: Any = shapely.union_all([shapely.linestrings(path) for path in smooth])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(joined)))
    found: dict[str, Geometry] = {}
    shares = np.array([shapely.area(shapely.intersection(faces, area)) for area in areas.values()])
    best = shares.argmax(axis=0)
    covered = shares.max(axis=0) > 0.5 * shapely.area(faces)
    for number, name in enumerate(areas):
        parts = faces[(best == number) & covered]
        if len(parts):
            found[name] = shapely.union_all(parts)
    return found


def _smooth(path: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    line = shapely.linestrings(path)
    count = max(4, int(np.ceil(line.length / width * _STEPS)))
    even = shapely.line_interpolate_point(line, np.linspace(0, line.length, count + 1))
    points = shapely.get_coordinates(even)
    if np.allclose(path[0], path[-1]):
        ring = gaussian_filter1d(points[:-1], _STEPS, axis=0, mode="wrap")
        size, was = (shapely.area(shapely.polygons(each)) for each in (ring, path))
        if size > 0:
            center = ring.mean(axis=0)
            ring = center + (ring - center) * np.sqrt(was / size)
        return np.vstack([ring, ring[:1]])
    # mirrored through its ends, which so stay where they are
    before, after = 2 * points[0] - points[:0:-1], 2 * points[-1] - points[-2::-1]
    whole = gaussian_filter1d(np.vstack([before, points, after]), _STEPS, axis=0)
    kept = whole[len(before) : len(before) + len(points)]
    kept[0], kept[-1] = path[0], path[-1]
    return kept
