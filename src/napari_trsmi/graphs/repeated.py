"""Neighbours that share one measurement, which say nothing of its noise.

A table that was measured in larger spots than the others gives many spots the same values. Their
differences are 0, whatever the noise is, and the table would be trusted without limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EQUAL = 1e-10
"""Of the mean squared distance: what rounding leaves between equal rows."""
_LEAST_SHARE = 0.15
"""Of the edges: fewer are equal by chance, or at the edge of the tissue."""
_LEAST_RATIO = 3.0
"""To any two spots: if those are equal as often, rows are equal since little was counted."""
_PAIRS = 20_000


def between_measurements(features: NDArray[np.floating], graph: sp.csr_array) -> sp.csr_array:
    """The graph without edges between spots that share one measurement.

    Parameters
    ----------
    features
        Components of one modality, shape (n_spots, n_components).
    graph
        0/1, symmetric, without self loops, (n_spots, n_spots).

    Returns
    -------
    csr_array
        `graph` itself, unless many neighbours have the same values and spots elsewhere have not.
        Else the edges that are left weigh as many as the spots that share a measurement: a mean
        over so many spots is no better than one of them.
    """
    n = len(features)
    if not graph.nnz:
        return graph
    rng = np.random.default_rng(0)
    one, other = rng.integers(n, size=(2, _PAIRS))
    anywhere = _squares(features, one[one != other], other[one != other])
    limit = _EQUAL * float(anywhere.mean())
    few = max(_LEAST_SHARE, _LEAST_RATIO * float((anywhere <= limit).mean()))
    looked_at = rng.integers(graph.nnz, size=_PAIRS)  # of most tables a look is enough
    here = np.searchsorted(graph.indptr, looked_at, side="right") - 1
    if (_squares(features, here, graph.indices[looked_at]) <= limit).mean() < few:
        return graph
    edges = graph.tocoo()
    equal = _squares(features, edges.row, edges.col) <= limit
    if (~equal).sum() < n**0.5:
        return graph
    shared = sp.csr_array(
        (edges.data[equal], (edges.row[equal], edges.col[equal])), shape=graph.shape
    )
    size = (n / connected_components(shared, directed=False)[0]) ** 0.5
    apart = (edges.row[~equal], edges.col[~equal])
    return sp.csr_array((edges.data[~equal] * size, apart), shape=graph.shape)


def _squares(
    features: NDArray[np.floating], one: NDArray[np.integer], other: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Squared distances of pairs, column by column, so that no row a pair is kept."""
    found = np.zeros(len(one))
    for column in features.T:
        found += np.square(column[one].astype(np.float64) - column[other])
    return found
