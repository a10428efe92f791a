"""How far apart the spots are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray


def spot_pitch(coordinates: NDArray[np.float64]) -> float | None:
    """Return the median distance from a spot to its nearest one elsewhere.

    Parameters
    ----------
    coordinates
        Shape (n_spots, 2).

    Returns
    -------
    In coordinate units; None if no spot has a neighbour at another place.
    """
    distance = np.asarray(cKDTree(coordinates).query(coordinates, k=2)[0])[:, 1]
    apart = distance[np.isfinite(distance) & (distance > 0)]
    return float(np.median(apart)) if apart.size else None
