"""Where domains meet on the tissue, as polylines, and what they cover, as polygons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from napari_trsmi.errors import InputError
from napari_trsmi.spots.cells import Cells, spot_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import Geometry

_ARC_STEP = np.pi / 12  # chords of arcs


@dataclass(frozen=True, eq=False)
class Boundary:
    """A line along which two domains meet.

    Attributes
    ----------
    domains
        Names of the two, in the order of the categories.
    path
        Columns x and y, shape (n_corners, 2); the first corner is the last one of a closed line.
    """

    domains: tuple[str, str]
    path: NDArray[np.float64]


def domain_boundaries(
    coordinates: NDArray[np.float64],
    domains: pd.Series,
    *,
    reach: float | None = None,
    cells: Cells | None = None,
) -> list[Boundary]:
    """Find the lines along which neighbouring spots have different domains.

    A line runs between spots, in equal distance from those on either side, as far as it separates
    the same two domains.

    Parameters
    ----------
    coordinates
        Columns x and y, shape (n_spots, 2).
    domains
        Length n_spots, in the order of `coordinates`; spots without a domain have no boundary.
    reach
        How far from a spot a boundary can be, in coordinate units; see
        `napari_trsmi.spots.cells.spot_cells`.
    cells
        What that returns for these coordinates, where it is known: it is most of the work.

    Returns
    -------
    The lines by domains, in an order that does not depend on that of the spots; none for a single
    domain.

    Raises
    ------
    InputError
        If coordinates and domains do not fit each other or cannot be used.
    """
    names, cells, codes = _cells_and_codes(coordinates, domains, reach, cells)
    pair = np.sort(codes[cells.neighbors], axis=1)
    differing = (pair[:, 0] != pair[:, 1]) & (pair[:, 0] >= 0)
    sides, pair = shapely.linestrings(cells.sides[differing]), pair[differing]
    found = []
    for one, other in np.unique(pair, axis=0):
        here = sides[(pair == (one, other)).all(axis=1)]
        merged = shapely.normalize(shapely.line_merge(shapely.multilinestrings(here)))
        found += [
            Boundary((names[one], names[other]), shapely.get_coordinates(line))
            for line in shapely.get_parts(merged)
        ]
    return found


def domain_polygons(
    coordinates: NDArray[np.float64], domains: pd.Series, *, reach: float | None = None
) -> dict[str, Geometry]:
    """Find what each domain covers: the cells of its spots, united.

    Parameters
    ----------
    coordinates, domains, reach
        As for `domain_boundaries`.

    Returns
    -------
    A valid shapely Polygon or MultiPolygon, with holes where there are any, for each domain that
    has spots, by name. They touch along `domain_boundaries` and do not overlap.

    Raises
    ------
    InputError
        If coordinates and domains do not fit each other or cannot be used.
    """
    names, cells, codes = _cells_and_codes(coordinates, domains, reach)
    one, other = codes[cells.neighbors].T
    sides = np.concatenate([shapely.linestrings(cells.sides[one != other]), _arcs(cells)])
    areas = shapely.get_parts(shapely.polygonize(sides))
    # A point in an area has its nearest spot in the same area, unless the area is a gap.
    _, nearest = cKDTree(cells.centers).query(
        shapely.get_coordinates(shapely.point_on_surface(areas))
    )
    occupied = shapely.contains_xy(areas, cells.centers[nearest])
    of_area = np.where(occupied, codes[nearest], -1)
    covered = {}
    for code in np.unique(of_area[of_area >= 0]):
        parts = areas[of_area == code]
        covered[names[code]] = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
    return covered


def _cells_and_codes(
    coordinates: NDArray[np.float64],
    domains: pd.Series,
    reach: float | None,
    known: Cells | None = None,
) -> tuple[list[str], Cells, NDArray[np.int64]]:
    """Return the domains' names, the cells, and the number of each cell's domain, -1 for none."""
    if np.shape(coordinates) != (len(domains), 2):
        raise InputError(
            f"Coordinates have shape {np.shape(coordinates)}, but {len(domains)} domains need "
            f"({len(domains)}, 2): one x and y for each spot."
        )
    cells = spot_cells(coordinates, reach=reach) if known is None else known
    categories = pd.Categorical(domains)
    none = len(categories.categories)
    # Of spots at one place the first domain counts, whatever the order of the spots.
    codes = np.full(len(cells.centers), none, dtype=np.int64)
    own = categories.codes.astype(np.int64)
    np.minimum.at(codes, cells.place, np.where(own < 0, none, own))
    codes[codes == none] = -1
    return [str(name) for name in categories.categories], cells, codes


def _arcs(cells: Cells) -> NDArray[np.object_]:
    """Return the arcs as lines of short chords, with exactly the arcs' own ends."""
    offset = cells.rims - cells.centers[cells.rim_cells][:, np.newaxis]
    start, end = np.arctan2(offset[..., 1], offset[..., 0]).T
    turn = np.where(end <= start, end + 2 * np.pi, end) - start
    n_chords = np.maximum(np.ceil(turn / _ARC_STEP).astype(np.int64), 1)
    arc = np.repeat(np.arange(len(start)), n_chords + 1)
    first = np.cumsum(n_chords + 1) - (n_chords + 1)
    share = (np.arange(len(arc)) - first[arc]) / n_chords[arc]
    angle = start[arc] + share * turn[arc]
    points = cells.centers[cells.rim_cells[arc]] + cells.reach * np.column_stack(
        [np.cos(angle), np.sin(angle)]
    )
    points[first] = cells.rims[:, 0]
    points[first + n_chords] = cells.rims[:, 1]
    lines: NDArray[np.object_] = shapely.linestrings(points, indices=arc)
    return lines
