"""A canonical order of the spots: along a space-filling curve.

Every run works in this order, so the result does not depend on the order of the input, and
neighbours in space are neighbours in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_BITS = 16


def canonical_order(coordinates: NDArray[np.float64], spots: pd.Index) -> NDArray[np.int64]:
    """Positions of the spots along a Morton (Z-order) curve, ties by name.

    Parameters
    ----------
    coordinates
        Finite, shape (n_spots, 2).
    spots
        Unique names, length n_spots.

    Returns
    -------
    ndarray
        A permutation, ``int64``, shape (n_spots,).
    """
    low = coordinates.min(axis=0)
    extent = max(float((coordinates.max(axis=0) - low).max()), np.finfo(float).tiny)
    cells = ((coordinates - low) / extent * (2**_BITS - 1)).astype(np.uint64)
    code = _spread(cells[:, 0]) | (_spread(cells[:, 1]) << np.uint64(1))
    by_name = np.argsort(np.asarray(spots, dtype=str), kind="stable")
    order: NDArray[np.int64] = by_name[np.argsort(code[by_name], kind="stable")]
    return order


def _spread(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put a zero between neighbouring bits of 16-bit numbers."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    return bits
