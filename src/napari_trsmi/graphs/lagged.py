"""Pairs of spots that lie a given way apart, to measure noise where neighbours share pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIRECTIONS = 6
_OFF = 0.75
"""Of the pitch: so far from the place that is aimed at may a spot lie."""


def lagged_graph(
    coordinates: NDArray[np.float64], lag: float, spatial: sp.csr_array
) -> sp.csr_array:
    """Link each spot to those a distance away, or a little more, in six directions.

    What was measured on discs that overlap is alike between neighbours whatever the tissue is, and
    its noise would be taken for small. Discs that lie so far apart share nothing.

    Parameters
    ----------
    coordinates
        Shape (n_spots, 2).
    lag
        In coordinate units. One below the distance of neighbours gives `spatial`; one too large
        for the tissue is halved until most spots have a partner.
    spatial
        0/1 spatial graph without self loops, (n_spots, n_spots).

    Returns
    -------
    csr_array
        0/1, symmetric, without self loops.
    """
    pitch = spot_pitch(coordinates)
    tree, n = cKDTree(coordinates), len(coordinates)
    while pitch is not None and lag > pitch * 1.05:
        angles = (np.arange(_DIRECTIONS) + 0.5) * 2 * np.pi / _DIRECTIONS
        aim = lag + pitch / 2
        ends = [
            tree.query(
                coordinates + aim * np.array([np.cos(angle), np.sin(angle)]),
                distance_upper_bound=_OFF * pitch,
            )[1]
            for angle in angles
        ]
        here = np.tile(np.arange(n), _DIRECTIONS)
        there = np.concatenate(ends)
        found = there < n
        apart = coordinates[here[found]] - coordinates[there[found]]
        found[found] = np.hypot(*apart.T) >= lag
        ones = np.ones(int(found.sum()))
        graph = sp.csr_array((ones, (here[found], there[found])), shape=(n, n))
        graph = sp.csr_array(((graph + graph.T) > 0).astype(np.float64))
        if graph.nnz >= n:
            return graph
        lag /= 2
    return spatial
