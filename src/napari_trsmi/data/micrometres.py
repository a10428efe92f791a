"""How many micrometres a coordinate unit is, where the instrument says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData
    from numpy.typing import NDArray

_VISIUM = 100.0  # micrometres between the centres of neighbouring spots
_SAME = 0.01  # relative difference that rounding explains
_PER_PIXEL = "microns_per_pixel"  # among the scale factors of Visium HD


def of_factors(factors: Mapping[str, object]) -> float | None:
    """What the scale factors of a section say, if they say it."""
    try:
        value = float(np.asarray(factors[_PER_PIXEL]).item())
    except (KeyError, TypeError, ValueError):
        return None
    return value if np.isfinite(value) and value > 0 else None


def of_table(table: AnnData) -> float | None:
    """What the scale factors in ``uns["spatial"]`` of a table say; None of several sections."""
    held = table.uns.get("spatial")
    found = [
        value
        for library in (held.values() if hasattr(held, "values") else ())
        if hasattr(library, "get") and hasattr(factors := library.get("scalefactors"), "keys")
        if (value := of_factors(factors)) is not None
    ]
    return found[0] if len(found) == 1 else None


def of_lattice(grid: NDArray[np.float64] | None, xy: NDArray[np.float64]) -> float | None:
    """What the array says: Visium's spots lie on a lattice of triangles, 100 micrometres apart.

    Parameters
    ----------
    grid
        Column and row of each spot on the array, if they are known, shape (n_spots, 2).
    xy
        Coordinates, shape (n_spots, 2).

    Returns
    -------
    Micrometres per coordinate unit; None of another array, on which columns and rows are not both
    even or both odd.
    """
    if grid is None or len(grid) < 3 or not np.isfinite(grid).all():
        return None
    if (grid.sum(axis=1) % 2 != 0).any() or not (grid[:, 1] % 2 != 0).any():
        return None
    pitch = spot_pitch(xy)
    nearest = spot_pitch(grid * (0.5, np.sqrt(3) / 2))  # neighbours are 1 apart
    return None if pitch is None or nearest is None else _VISIUM * nearest / pitch


def after_move(
    known: float | None, before: NDArray[np.float64], after: NDArray[np.float64]
) -> float | None:
    """What a unit is once the same spots have other coordinates.

    Parameters
    ----------
    known
        What it was.
    before, after
        x and y of the spots, in the same order, shape (n_spots, 2).

    Returns
    -------
    None if it was not known, or the spots were stretched, so that no number holds everywhere.
    """
    if known is None or before is after or np.array_equal(before, after):
        return known
    old, new = (xy - xy.mean(axis=0) for xy in (before, after))
    if len(old) < 3 or not np.isfinite(new).all():
        return None
    matrix = np.linalg.lstsq(old, new, rcond=None)[0]
    sizes = np.linalg.svd(matrix, compute_uv=False)
    off = np.abs(old @ matrix - new).max() / max(float(np.abs(new).max()), 1e-300)
    if off > _SAME or sizes[1] < (1 - _SAME) * sizes[0]:
        return None
    return known / float(np.sqrt(sizes[0] * sizes[1]))
