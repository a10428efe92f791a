"""Whether a picture goes with the tables better where it lies than when it is turned.

Two maps of a tissue are alike in coarse things whatever they show: both change from the rim to the
core. What gives a picture away that tells nothing of these tables is that it goes with them just as
well when it is turned or mirrored. So the coarse trend is taken out of both, and what is left is
compared where the picture lies and where it does not. No label is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LEAST_SCORE = 5.0
"""Standard deviations by which a picture must go better with the tables than a turned one."""

_TRENDS = (3, 6)
"""Degrees of the polynomials in x and y that are taken out."""
_TURNS = 24
_SPOTS = 20_000  # that are looked at


def register_score(
    tables: NDArray[np.float64], picture: NDArray[np.float64], coordinates: NDArray[np.float64]
) -> float:
    """How much better a picture goes with tables than the same picture turned.

    The sum of squared canonical correlations of both, less its mean over some forty turned and
    mirrored pictures, in their standard deviations; mean over two ways to take the trend out.

    Parameters
    ----------
    tables, picture
        Axes of the tables and of the picture, shapes (n_spots, n_axes).
    coordinates
        Shape (n_spots, 2).
    """
    step = max(1, len(coordinates) // _SPOTS)
    tables, picture, xy = tables[::step], picture[::step], coordinates[::step]
    turned = list(_turned(xy))
    scores = []
    for degree in _TRENDS:
        trend = np.linalg.qr(_polynomials(xy, degree))[0]
        theirs, mine = (block - trend @ (trend.T @ block) for block in (tables, picture))
        theirs = _basis(theirs)
        here = _shared(theirs, mine)
        elsewhere = np.array([_shared(theirs, mine[places]) for places in turned])
        scores.append((here - elsewhere.mean()) / max(float(elsewhere.std()), 1e-9))
    return float(np.mean(scores))


def _shared(basis: NDArray[np.float64], block: NDArray[np.float64]) -> float:
    """Sum of squared canonical correlations."""
    return float(np.square(basis.T @ _basis(block)).sum())


def _basis(block: NDArray[np.float64]) -> NDArray[np.float64]:
    basis, sizes, _ = np.linalg.svd(block - block.mean(axis=0), full_matrices=False)
    kept: NDArray[np.float64] = basis[:, sizes > 1e-8 * max(float(sizes.max(initial=0)), 1e-300)]
    return kept


def _polynomials(xy: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """All products of powers up to a degree, of a tenth as many as spots at most."""
    while degree > 0 and (degree + 1) * (degree + 2) // 2 > len(xy) / 10:
        degree -= 1
    x, y = ((xy - xy.mean(axis=0)) / np.maximum(xy.std(axis=0), 1e-12)).T
    return np.column_stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)])


def _turned(xy: NDArray[np.float64]) -> Iterator[NDArray[np.int64]]:
    """Yield the spot that each spot comes to lie on, for each turn far from none."""
    center = xy.mean(axis=0)
    tree = cKDTree(xy)
    for mirrored in (False, True):
        flat = (xy - center) * ((-1, 1) if mirrored else (1, 1))
        for number in range(_TURNS):
            if not mirrored and min(number, _TURNS - number) < _TURNS // 12:
                continue
            angle = number * 2 * np.pi / _TURNS
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            yield np.asarray(tree.query(flat @ turn + center)[1], dtype=np.int64)
