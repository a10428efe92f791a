"""The modalities as one matrix, and the graphs of spots that methods average over.

Own code on scipy and not the package's, so that rows of other methods stay as they are when the
package changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree
from sklearn.neighbors import kneighbors_graph
from sklearn.preprocessing import normalize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

SPATIAL_NEIGHBORS = 6
_TIE = 1e-6
"""Distances that differ by less than this part of them are the same."""


def side_by_side(blocks: Iterable[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Blocks centred, each scaled to the same norm, and joined."""
    scaled = []
    for block in blocks:
        centred = np.asarray(block, dtype=np.float64)
        centred = centred - centred.mean(axis=0)
        scaled.append(centred / max(float(np.linalg.norm(centred)), 1e-12))
    # of unit mean square, so that nothing downstream meets tiny numbers
    joined: NDArray[np.float64] = np.hstack(scaled) * np.sqrt(len(scaled[0]))
    return joined


def neighbor_graph(points: NDArray[np.floating], k: int) -> sp.csr_array:
    """0/1 edges between each point and its k nearest, ties included, both ways.

    Parameters
    ----------
    points
        Shape (n, d).
    k
        Neighbours of each; fewer where there are not so many points.
    """
    points = np.asarray(points, dtype=np.float64)
    tree = cKDTree(points)
    distances = np.asarray(tree.query(points, min(k, len(points) - 1) + 1)[0])
    reach = distances[:, -1] * (1 + _TIE)
    near = tree.query_ball_point(points, reach)
    rows = np.repeat(np.arange(len(points)), [len(found) for found in near])
    columns = np.concatenate([np.asarray(found, dtype=np.int64) for found in near])
    other = rows != columns
    edges = (np.ones(int(other.sum())), (rows[other], columns[other]))
    return _both_ways(sp.csr_array(edges, shape=(len(points), len(points))))


def feature_graph(features: NDArray[np.floating], k: int) -> sp.csr_array:
    """0/1 edges between each spot and the k most alike by cosine of centred features, both ways.

    Parameters
    ----------
    features
        Shape (n_spots, n_components).
    k
        Neighbours of each; fewer where there are not so many spots.
    """
    directions = normalize(np.asarray(features, dtype=np.float64) - features.mean(axis=0))
    near = kneighbors_graph(directions, min(k, len(directions) - 1), include_self=False)
    return _both_ways(sp.csr_array(near))


def mean_over(graph: sp.csr_array, *, itself: bool) -> sp.csr_array:
    """The matrix that averages over each spot's neighbours, with or without the spot itself."""
    if itself:
        graph = sp.csr_array(graph + sp.eye_array(graph.shape[0]))
    degree = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1e-12)
    return sp.csr_array(sp.diags_array(1 / degree) @ graph)


def _both_ways(graph: sp.csr_array) -> sp.csr_array:
    both = sp.csr_array(graph.maximum(graph.T))
    both.sort_indices()
    return both
