"""Feature neighbours of spots that several processes hold.

Exactly, the spots of one process after the other are passed around, and each keeps the best for
its own. An index is made of all spots or not at all, so there each table is one process's task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.graphs.neighbors import (
    EXACT_LIMIT,
    approximate,
    check_enough,
    top_cosine,
    unit_rows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import scipy.sparse as sp
    from numpy.typing import NDArray

    from napari_trsmi.spots.portion import HeldPortion

_ROWS = 1 << 14
"""Whose similarities are worked out again at a time."""


def is_exact(n_spots: int, device: str) -> bool:
    """Whether feature neighbours are sought among all pairs."""
    return n_spots <= EXACT_LIMIT or device != "cpu"


def exact_graph(
    features: NDArray[np.floating], k: int, portion: HeldPortion, *, device: str
) -> sp.csr_array:
    """Own rows of `feature_graph`, over all spots.

    Parameters
    ----------
    features
        Of the own spots, shape (n_own, n_features).
    k, device
        As for `feature_graph`.
    portion
        Of the spots.
    """
    check_enough(portion.n_spots(len(features)), k, "feature_neighbors")
    mine = unit_rows(features, portion)
    best = np.empty((len(mine), 0), dtype=np.int64)
    scores = np.empty((len(mine), 0), dtype=np.float32)
    for rank in range(portion.ranks.size):
        own = rank == portion.ranks.rank
        shown = portion.ranks.exchange([mine if own else mine[:0]] * portion.ranks.size)[rank]
        most = min(k, len(shown) - own)
        if most < 1:
            continue
        near = top_cosine(mine, shown, most, device=device, skip_self=own)
        best = np.hstack([best, near + portion.bounds[rank]])
        scores = np.hstack([scores, _similarities(mine, shown, near)])
        kept = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best, scores = np.take_along_axis(best, kept, 1), np.take_along_axis(scores, kept, 1)
    return _graph(best, portion)


def indexed_graphs(
    directions: Mapping[int, NDArray[np.float32]], k: int, portion: HeldPortion, *, seed: int
) -> dict[int, sp.csr_array]:
    """Own rows of several tables' `feature_graph`, each sought by one process.

    Parameters
    ----------
    directions
        `unit_rows` of the own spots, by the number of the table.
    k, seed
        As for `feature_graph`.
    portion
        Of the spots.
    """
    ranks = portion.ranks
    whole: dict[int, NDArray[np.float32]] = {}
    for number, rows in directions.items():
        sent = [rows if number % ranks.size == rank else rows[:0] for rank in range(ranks.size)]
        received = ranks.exchange(sent)
        if portion.takes(number):
            whole[number] = np.concatenate(received)
    found = {number: approximate(whole.pop(number), k, seed) for number in sorted(whole)}
    graphs = {}
    for number in directions:
        near = found.pop(number, np.empty((0, k), dtype=np.int32))
        cuts = portion.bounds[1:-1] if len(near) else np.zeros(ranks.size - 1, dtype=np.int64)
        own = np.concatenate(ranks.exchange(np.split(near, cuts)))
        graphs[number] = _graph(own.astype(np.int64), portion)
    return graphs


def _graph(near: NDArray[np.int64], portion: HeldPortion) -> sp.csr_array:
    rows = portion.start + np.repeat(np.arange(len(near)), near.shape[1])
    return portion.symmetric(rows, near.ravel(), portion.n_spots(len(near)))


def _similarities(
    one: NDArray[np.float32], other: NDArray[np.float32], near: NDArray[np.int64]
) -> NDArray[np.float32]:
    found = np.empty(near.shape, dtype=np.float32)
    for start in range(0, len(one), _ROWS):
        rows = slice(start, start + _ROWS)
        found[rows] = np.einsum("nd,nkd->nk", one[rows], other[near[rows]])
    return found
