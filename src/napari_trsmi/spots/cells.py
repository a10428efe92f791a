"""The cell of each spot: the tissue that is nearer to it than to any other spot, and near enough.

The cells are those of the Voronoi diagram, cut off at a distance from their spot: at the section's
rim, and where spots are missing, they end in arcs. Neighbouring cells share the very same corners,
to the last digit, so that their sides can be chained.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAME = 1e-6  # corners closer than this share of the reach are one: a lattice has four cells there
_ROUNDING = 1e-9
_GHOSTS = 8
_SLACK = 1.05


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells and their sides, in coordinate units.

    Attributes
    ----------
    place
        The cell of each spot, ``int64``, shape (n_spots,): spots at one place share one.
    centers
        Shape (n_cells, 2), columns x and y.
    reach
        How far from its centre a cell can extend.
    neighbors
        Cells that share a side, ``int64``, shape (n_sides, 2).
    sides
        Both ends of each side, shape (n_sides, 2, 2).
    rim_cells
        The cell of each arc, ``int64``, shape (n_arcs,).
    rims
        Start and end of each arc, counter-clockwise where y points up, shape (n_arcs, 2, 2). They
        are the same for a cell that is a circle.
    """

    place: NDArray[np.int64]
    centers: NDArray[np.float64]
    reach: float
    neighbors: NDArray[np.int64]
    sides: NDArray[np.float64]
    rim_cells: NDArray[np.int64]
    rims: NDArray[np.float64]


def spot_cells(coordinates: NDArray[np.float64], *, reach: float | None = None) -> Cells:
    """Find the cells of spots on a lattice or anywhere.

    Parameters
    ----------
    coordinates
        Columns x and y, shape (n_spots, 2).
    reach
        How far a cell may extend from its spot, in coordinate units. None takes what the cells'
        corners inside the section have in common, Tukey's upper fence of their distances: on a
        lattice cells keep their shape, and gaps stay open.

    Raises
    ------
    InputError
        If the coordinates are not pairs of finite numbers, or `reach` is not positive.
    """
    xy = np.asarray(coordinates, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or not len(xy) or not np.isfinite(xy).all():
        raise InputError(
            f"Coordinates of shape {xy.shape} cannot be used: x and y of at least one spot are "
            "needed, all finite."
        )
    if reach is not None and not (np.isfinite(reach) and reach > 0):
        raise InputError(f"reach is {reach}; it must be a positive distance in coordinate units.")
    middle = (xy.min(axis=0) + xy.max(axis=0)) / 2
    centers, place = np.unique(xy - middle, axis=0, return_inverse=True)
    triangles = _triangulate(centers, reach)
    if reach is None:
        reach = _usual_reach(centers, triangles)
    corners, corner_of, inside = _corners(triangles, reach)
    neighbors, sides, cut = _sides(centers, triangles, corners, corner_of, inside, reach)
    rim_cells, rims = _rims(centers, neighbors, sides, cut, reach)
    return Cells(
        place=place.ravel().astype(np.int64),
        centers=centers + middle,
        reach=reach,
        neighbors=neighbors,
        sides=sides + middle,
        rim_cells=rim_cells,
        rims=rims + middle,
    )


@dataclass(frozen=True, eq=False)
class _Triangles:
    """A Delaunay triangulation.

    Attributes
    ----------
    circumcenters, circumradii
        Of each triangle, shape (n_triangles, 2) and (n_triangles,); infinite for a line.
    edges
        The two cells of each edge, shape (n_edges, 2).
    left, right
        The triangles on either side of each edge, shape (n_edges,).
    real
        Triangles between three cells, shape (n_triangles,).
    """

    circumcenters: NDArray[np.float64]
    circumradii: NDArray[np.float64]
    edges: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    real: NDArray[np.bool_]


def _triangulate(centers: NDArray[np.float64], reach: float | None) -> _Triangles:
    """Triangulate the cells' centres.

    A ring of far-away points that belong to no cell surrounds them: each edge then has a triangle
    on both sides, and one spot, two, or a row of them are no special cases.
    """
    n = len(centers)
    far = 8.0 * (float(np.hypot(*np.ptp(centers, axis=0))) + (reach or 0.0)) or 1.0
    turns = 2 * np.pi * (np.arange(_GHOSTS) + 0.3) / _GHOSTS
    points = np.vstack([centers, far * np.column_stack([np.cos(turns), np.sin(turns)])])
    found = Delaunay(points)
    simplices = found.simplices.astype(np.int64)
    a, b, c = (points[simplices[:, corner]] for corner in range(3))
    middle, radii = _circumcircles(a, b, c)

    # Opposite to a triangle's corner lies an edge, and beyond it the neighbour. The corners run
    # counter-clockwise, so the triangle is to the left of the edge.
    triangle = np.repeat(np.arange(len(simplices)), 3)
    beyond = found.neighbors.astype(np.int64).ravel()
    start = simplices[:, [1, 2, 0]].ravel()
    end = simplices[:, [2, 0, 1]].ravel()
    once = (triangle < beyond) & (start < n) & (end < n)
    return _Triangles(
        circumcenters=middle,
        circumradii=radii,
        edges=np.column_stack([start[once], end[once]]),
        left=triangle[once],
        right=beyond[once],
        real=np.all(simplices < n, axis=1),
    )


def _circumcircles(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centres and radii of the circles through a, b and c, shape (n, 2) each."""
    ab, ac = b - a, c - a
    twice = 2 * (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0])
    ab2, ac2 = (ab**2).sum(axis=1), (ac**2).sum(axis=1)
    across = np.column_stack([ac[:, 1] * ab2 - ab[:, 1] * ac2, ab[:, 0] * ac2 - ac[:, 0] * ab2])
    offset = np.full(a.shape, np.inf)
    np.divide(across, twice[:, np.newaxis], out=offset, where=(twice != 0)[:, np.newaxis])
    return a + offset, np.hypot(offset[:, 0], offset[:, 1])


def _usual_reach(centers: NDArray[np.float64], triangles: _Triangles) -> float:
    """Return how far the cells inside the section extend."""
    start, end = triangles.edges.T
    lengths = np.hypot(*(centers[end] - centers[start]).T)
    if not len(lengths):
        return 1.0
    if not triangles.real.any():  # a row of spots
        return float(np.median(lengths)) / sqrt(2)
    lower, upper = np.quantile(triangles.circumradii[triangles.real], [0.25, 0.75])
    fence = _SLACK * float(upper + 1.5 * (upper - lower))
    return min(fence, float(lengths.max()))


def _corners(
    triangles: _Triangles, reach: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Merge circumcentres that only rounding separates into corners of cells.

    Returns
    -------
    The corners' places, the corner of each triangle, and which corners are within reach.
    """
    within = triangles.circumradii <= reach * (1 + _ROUNDING)
    left, right = triangles.left, triangles.right
    apart = triangles.circumcenters[left] - triangles.circumcenters[right]
    same = within[left] & within[right]
    same[same] = np.abs(apart[same]).max(axis=1) <= _SAME * reach
    n = len(within)
    graph = sp.coo_array(
        (np.ones(int(same.sum()), dtype=np.int8), (left[same], right[same])), shape=(n, n)
    )
    n_corners, corner_of = connected_components(graph, directed=False)
    counts = np.bincount(corner_of, minlength=n_corners)
    middle = np.where(within[:, np.newaxis], triangles.circumcenters, 0.0)
    places = np.column_stack(
        [np.bincount(corner_of, middle[:, axis], n_corners) / counts for axis in range(2)]
    )
    inside = np.bincount(corner_of, within, n_corners) > 0
    return places, corner_of.astype(np.int64), inside


def _sides(
    centers: NDArray[np.float64],
    triangles: _Triangles,
    corners: NDArray[np.float64],
    corner_of: NDArray[np.int64],
    inside: NDArray[np.bool_],
    reach: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return the sides that are within reach of the two cells that share them.

    Returns
    -------
    The cells on either side, the right and the left end seen from the first to the second, and
    whether these are cut off, shape (n_sides, 2).
    """
    start, end = triangles.edges.T
    along = centers[end] - centers[start]
    length = np.hypot(along[:, 0], along[:, 1])
    across = np.column_stack([-along[:, 1], along[:, 0]]) / length[:, np.newaxis]
    middle = (centers[start] + centers[end]) / 2
    furthest = np.sqrt(np.maximum(reach**2 - (length / 2) ** 2, 0.0))

    ends = np.empty((len(start), 2, 2))
    cut = np.empty((len(start), 2), dtype=np.bool_)
    present = (length / 2 < reach) & (corner_of[triangles.left] != corner_of[triangles.right])
    for column, triangle, sign in ((0, triangles.right, -1.0), (1, triangles.left, 1.0)):
        corner = corner_of[triangle]
        cut[:, column] = ~inside[corner]
        ends[:, column] = np.where(
            cut[:, [column]],
            middle + sign * furthest[:, np.newaxis] * across,
            corners[corner],
        )
        away = triangles.circumcenters[triangle] - middle
        position = np.full(len(start), sign * np.inf)
        known = np.isfinite(away).all(axis=1)
        position[known] = (away[known] * across[known]).sum(axis=1)
        # This end is out of reach on the other end's side, and so is all of the line.
        present &= ~(cut[:, column] & (sign * position <= 0))
    return triangles.edges[present], ends[present], cut[present]


def _rims(
    centers: NDArray[np.float64],
    neighbors: NDArray[np.int64],
    sides: NDArray[np.float64],
    cut: NDArray[np.bool_],
    reach: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the arcs that close the cells between the sides that are cut off.

    Counter-clockwise around a cell its side's left end comes last: an arc starts there. For the
    cell on the other side left is right.
    """
    right, left = np.flatnonzero(cut[:, 0]), np.flatnonzero(cut[:, 1])
    first, second = neighbors.T
    start_cell = np.concatenate([first[left], second[right]])
    starts = np.concatenate([sides[left, 1], sides[right, 0]])
    end_cell = np.concatenate([second[left], first[right]])
    ends = np.concatenate([sides[left, 1], sides[right, 0]])

    start_angle = _angle(starts - centers[start_cell])
    end_angle = _angle(ends - centers[end_cell])
    start_order = np.lexsort((start_angle, start_cell))
    end_order = np.lexsort((end_angle, end_cell))
    # Around a cell starts and ends take turns, so both have the same cells in the same order.
    cells, begin, count = np.unique(start_cell[start_order], return_index=True, return_counts=True)
    ahead = end_angle[end_order][begin] <= start_angle[start_order][begin]
    turn = np.arange(len(start_order)) - np.repeat(begin, count)
    partner = np.repeat(begin, count) + (turn + np.repeat(ahead, count)) % np.repeat(count, count)
    rims = np.stack([starts[start_order], ends[end_order[partner]]], axis=1)

    alone = np.setdiff1d(np.arange(len(centers)), neighbors)
    circles = np.repeat(centers[alone][:, np.newaxis] + [reach, 0.0], 2, axis=1)
    return (
        np.concatenate([np.repeat(cells, count), alone]),
        np.concatenate([rims, circles]),
    )


def _angle(offset: NDArray[np.float64]) -> NDArray[np.float64]:
    angle: NDArray[np.float64] = np.arctan2(offset[:, 1], offset[:, 0])
    return angle
