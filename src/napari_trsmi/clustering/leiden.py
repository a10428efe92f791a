"""Leiden communities of the embedding's neighbour graph."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.errors import InputError
from napari_trsmi.graphs.neighbors import feature_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_NEIGHBORS = 15
_BISECTIONS = 25
_ITERATIONS = 10


def leiden_domains(
    embedding: NDArray[np.floating],
    *,
    n_domains: int | None,
    resolution: float,
    seed: int,
    check: Callable[[], None] = lambda: None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cluster by Leiden on the 15-nearest-neighbour graph (cosine) of the embedding.

    Parameters
    ----------
    embedding
        Shape (n_spots, d).
    n_domains
        Number of domains, found by bisection of the resolution; None keeps `resolution`.
    resolution
        Of the modularity, when `n_domains` is None.
    seed
        Seed of igraph's random numbers.
    check
        Called before every resolution is tried; what it raises ends the search.

    Returns
    -------
    labels
        ``int64``, shape (n_spots,), from 0.
    confidence
        Share of a spot's neighbours in its own domain, shape (n_spots,).

    Raises
    ------
    InputError
        If no resolution gives `n_domains` domains.
    """
    import igraph  # with Matplotlib, which runs that do not ask for Leiden need not load

    n = len(embedding)
    neighbors = feature_graph(embedding, min(_NEIGHBORS, n - 1), seed=seed).tocoo()
    upper = neighbors.row < neighbors.col
    graph = igraph.Graph(n, np.column_stack([neighbors.row[upper], neighbors.col[upper]]))

    def communities(gamma: float) -> NDArray[np.int64]:
        check()
        # from a generator of our own, and not from igraph's: scanpy leaves one that has no seed
        igraph.set_random_number_generator(random.Random(seed))  # noqa: S311
        try:
            found = graph.community_leiden(
                objective_function="modularity", resolution=gamma, n_iterations=_ITERATIONS
            )
        finally:
            igraph.set_random_number_generator(random)  # what igraph has when it is imported
        return np.asarray(found.membership, dtype=np.int64)

    labels = communities(resolution) if n_domains is None else _bisect(communities, n_domains)
    same = labels[neighbors.row] == labels[neighbors.col]
    degree = np.bincount(neighbors.row, minlength=n)
    confidence = np.bincount(neighbors.row, weights=same, minlength=n) / np.maximum(degree, 1)
    return labels, confidence


def _bisect(communities: Callable[[float], NDArray[np.int64]], n_domains: int) -> NDArray[np.int64]:
    low, high = 0.0, 1.0
    tried: list[int] = []
    while int(communities(high).max()) + 1 < n_domains and high < 2**10:
        high *= 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        labels = communities(middle)
        found = int(labels.max()) + 1
        if found == n_domains:
            return labels
        tried.append(found)
        low, high = (middle, high) if found < n_domains else (low, middle)
    near = sorted(set(tried), key=lambda found: abs(found - n_domains))[:2]
    raise InputError(
        f"Leiden finds no {n_domains} domains, but {' or '.join(map(str, sorted(near)))}. "
        "Ask for as many, or use clustering='mixture'."
    )
