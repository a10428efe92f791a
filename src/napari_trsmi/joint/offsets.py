"""What still sets a section off from the others, found in tissue that they share.

Centring a section takes its mean, and with it what its tissue is made of: a section with more white
matter would be moved. So spots of all sections are grouped, and a section is moved by how far its
spots lie from those of the others in the same group.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_GROUPS = 30
_ROUNDS = 30
_STARTS = 3
_SPOTS = 4_000
"""Of each section that are looked at."""
_FEWEST = 5
"""Spots of a section in a group that say where it lies."""
_STILL = 1e-3
"""A move in units of the noise that ends the rounds."""


def section_offsets(
    scores: Sequence[NDArray[np.float64]], *, seed: int
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """How far each section lies off, axis by axis.

    The model is x = μ_g + b_s + noise for group g and section s; k-means finds the groups while b_s
    is taken off, and b_s is the mean over groups of the distance to the mean of all sections in the
    group, weighed by the spots that have a counterpart.

    Parameters
    ----------
    scores
        Of each section, averaged over neighbours, each (n_spots_s, n_axes).
    seed
        Of the spots that are looked at, and of k-means.

    Returns
    -------
    offsets
        One a section, each (n_axes,); zeros for one section.
    groups
        Where the groups lie once these are taken off, shape (n_groups, n_axes).
    """
    rng = np.random.default_rng(seed)
    drawn = [block[np.sort(rng.permutation(len(block))[:_SPOTS])] for block in scores]
    offsets = [np.zeros(block.shape[1]) for block in scores]
    section = np.repeat(np.arange(len(drawn)), [len(block) for block in drawn])
    n_groups = max(2, min(_GROUPS, min(map(len, drawn)) // _FEWEST))
    means = KMeans(n_groups, n_init=_STARTS, random_state=seed)
    for _ in range(_ROUNDS):
        points = np.vstack([block - offset for block, offset in zip(drawn, offsets, strict=True)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            means = means.fit(points)
        moves = _moves(points, means.labels_, section, len(drawn), n_groups)
        means = KMeans(n_groups, init=means.cluster_centers_, n_init=1)  # from where they are
        offsets = [offset + move for offset, move in zip(offsets, moves, strict=True)]
        if np.abs(moves).max() < _STILL:
            break
    return offsets, np.asarray(means.init, dtype=np.float64)


def offset_from(scores: NDArray[np.float64], groups: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a new section lies off the groups of those that are known, (n_axes,).

    Parameters
    ----------
    scores
        Of the new section, averaged over neighbours, shape (n_spots, n_axes).
    groups
        From `section_offsets`.
    """
    offset = np.zeros(scores.shape[1])
    for _ in range(_ROUNDS):
        points = scores - offset
        nearest = (np.square(groups).sum(axis=1) / 2 - points @ groups.T).argmin(axis=1)
        move = (points - groups[nearest]).mean(axis=0)
        offset += move
        if np.abs(move).max() < _STILL:
            break
    return offset


def _moves(
    points: NDArray[np.float64],
    groups: NDArray[np.integer],
    section: NDArray[np.int64],
    n_sections: int,
    n_groups: int,
) -> NDArray[np.float64]:
    """Mean distance of each section from the others in its groups, (n_sections, n_axes)."""
    cell = section * n_groups + groups
    counts = np.bincount(cell, minlength=n_sections * n_groups)
    sums = np.zeros((n_sections * n_groups, points.shape[1]))
    np.add.at(sums, cell, points)
    means = (sums / np.maximum(counts, 1)[:, None]).reshape(n_sections, n_groups, -1)
    sizes = counts.reshape(n_sections, n_groups)
    known = sizes >= _FEWEST
    centers = (means * known[..., None]).sum(axis=0) / np.maximum(known.sum(axis=0), 1)[:, None]
    weights = np.where(known, np.minimum(sizes, sizes.sum(axis=0) - sizes), 0)
    distances = (means - centers) * weights[..., None]
    moves: NDArray[np.float64] = distances.sum(axis=1) / np.maximum(weights.sum(axis=1), 1)[:, None]
    return moves
