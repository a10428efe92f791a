"""Signs of several sections in one table that no column's name gives away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_PLACES = (("array_row", "array_col"), ("row", "col"))
"""Columns of a spot's place on the array: each place is on a slide once."""

_BARCODE = r"[ACGT]{12,}"
_FIRST = 1000  # names that tell whether they are barcodes
"""Of a spot, in its name: each is on a slide once."""

_REPEATED = 0.25
"""Share of spots whose place or barcode another one has, from which they are of several slides."""

_WINDOW = 4000
"""Spots on which lattices are looked for."""

_REGULAR = 0.1
"""Distances to the nearest spot that differ by less are those of a lattice, in `_MOST` spots."""

_MOST = 0.9
_FEWEST = 12  # spots of a lattice


def repeats(obs: pd.DataFrame) -> Iterator[pd.Series]:
    """Yield what is on a slide once and is repeated in a table: places on the array, barcodes.

    Parameters
    ----------
    obs
        A table's spots.

    Yields
    ------
    Series
        What each spot has, indexed by spot.
    """
    names = obs.index.to_series().astype(str)
    if names[:_FIRST].str.contains(_BARCODE).all():
        barcodes = names.str.extract(f"({_BARCODE})")[0]
        if barcodes.duplicated(keep=False).mean() > _REPEATED:
            yield barcodes
    for row, column in _PLACES:
        if row in obs and column in obs:
            places = obs.groupby([row, column], observed=True).ngroup()
            if places.duplicated(keep=False).mean() > _REPEATED:
                yield places


def splits(groups: pd.Series, repeated: pd.Series) -> bool:
    """Whether no group has anything twice that the table has twice."""
    pairs = pd.DataFrame({"group": groups, "what": repeated})
    return bool(groups.notna().all() and not pairs.duplicated().any())


def middle(xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the spots around the middle: enough to see a lattice, few enough to be quick."""
    distance = np.linalg.norm(xy - np.median(xy, axis=0), axis=1)
    return np.sort(np.argsort(distance)[:_WINDOW])


def on_lattices(xy: NDArray[np.float64], codes: NDArray[np.int64]) -> bool:
    """Whether each group of spots lies on a lattice of its own.

    Labels of the spots of one slide leave gaps in its lattice, or share it.

    Parameters
    ----------
    xy
        Coordinates, shape (n_spots, 2).
    codes
        Number of each spot's group, shape (n_spots,); -1 for none.
    """
    groups = np.unique(codes[codes >= 0])
    return all(_is_lattice(xy[codes == group]) for group in groups)


def are_twins(xy: NDArray[np.float64]) -> bool:
    """Whether the spots are pairs, all turned alike: two copies of a lattice, one shifted.

    On one lattice a spot has its like on both sides, and among cells directions differ.
    """
    if len(xy) < 2 * _FEWEST:
        return False
    tree = cKDTree(xy)
    distance, nearest = (np.asarray(found)[:, 1] for found in tree.query(xy, k=2))
    step = xy[nearest] - xy
    gap = float(np.median(distance))
    step *= np.where(step @ step[0] < 0, -1, 1)[:, np.newaxis]
    alike = np.linalg.norm(step - np.median(step, axis=0), axis=1) < _REGULAR * gap
    mutual = nearest[nearest] == np.arange(len(xy))
    behind = 2 * xy - xy[nearest]
    alone = np.asarray(tree.query(behind)[0]) > gap / 2
    return gap > 0 and bool(np.mean(alike & mutual & alone) > _MOST)


def _is_lattice(xy: NDArray[np.float64]) -> bool:
    """Whether neighbours are as far apart as each other, and not along one line."""
    if len(xy) < _FEWEST:
        return False
    distance = np.asarray(cKDTree(xy).query(xy, k=4)[0])
    pitch = float(np.median(distance[:, 1]))
    regular = np.abs(distance[:, 1] - pitch) < _REGULAR * pitch
    return pitch > 0 and bool(
        np.mean(regular) > _MOST and np.mean(distance[:, 3] < 1.6 * pitch) > 0.7
    )
