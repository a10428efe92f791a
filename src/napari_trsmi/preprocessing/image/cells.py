"""Channels measured per cell: on the pixels of the cell that each spot lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

AREA = "cell area"


def cells_under(
    maps: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.integer],
    places: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Measure the cell that each place lies in.

    Parameters
    ----------
    maps
        Channels by name, (height, width).
    labels
        Cells that another program segmented, 0 for none, same shape.
    places
        (row, column) of the spots, shape (n_places, 2).

    Returns
    -------
    dict
        Mean and spread of each channel over the cell, and its area in pixels; NaN in no cell.
    """
    rows, columns = np.rint(places).astype(np.int64).T
    own = labels[rows, columns].astype(np.int64)
    cells, which = np.unique(own, return_inverse=True)
    flat = labels.ravel().astype(np.int64)
    at = np.minimum(np.searchsorted(cells, flat), len(cells) - 1)
    inside = (cells[at] == flat) & (flat > 0)
    at = at[inside]
    area = np.bincount(at, minlength=len(cells)).astype(np.float64)
    area[cells <= 0] = np.nan
    found = {AREA: area[which]}
    for name, values in maps.items():
        part = values.ravel()[inside].astype(np.float64)
        mean = np.bincount(at, part, minlength=len(cells)) / area
        square = np.bincount(at, np.square(part - mean[at]), minlength=len(cells)) / area
        found |= {f"{name} cell mean": mean[which], f"{name} cell spread": np.sqrt(square)[which]}
    return found
