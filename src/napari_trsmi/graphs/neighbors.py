"""k nearest neighbours in space and in feature space, as symmetric 0/1 graphs."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from scipy.spatial import cKDTree
from threadpoolctl import ThreadpoolController

from napari_trsmi.errors import InputError
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EXACT_LIMIT = 50_000
"""Spots up to which feature neighbours are exact on the CPU, which takes time in their square."""

_BLOCK = 1 << 19  # similarities held at a time: what a cache holds
_GPU_BLOCK = 1 << 27  # and what keeps a GPU busy
_SPOTS = 1 << 16  # whose neighbours in space are sought at a time
_TIE = 1e-6  # relative difference below which two distances are the same


def spatial_graph(coordinates: NDArray[np.float64], k: int) -> sp.csr_array:
    """Symmetric graph of the `k` nearest spots in space.

    Spots as far away as the k-th are all taken (a square lattice has 4 neighbours at distance 1
    and 4 at √2, so k = 6 gives 8): the graph does not depend on the order of the spots.

    Parameters
    ----------
    coordinates
        Shape (n_spots, 2).
    k
        Number of neighbours, below n_spots.

    Returns
    -------
    csr_array
        ``float32`` ones, shape (n_spots, n_spots), no self loops.

    Raises
    ------
    InputError
        If there are not more spots than neighbours.
    """
    n = len(coordinates)
    check_enough(n, k, "spatial_neighbors")
    wide = min(n, 2 * k + 5)  # room for ties and the spot itself
    tree = cKDTree(coordinates)
    counts, columns = [], []
    for start in range(0, n, _SPOTS):
        near_to: tuple[NDArray[np.float64], NDArray[np.int64]]
        near_to = tree.query(coordinates[start : start + _SPOTS], k=wide)  # type: ignore[assignment]
        distances, found = near_to
        own = np.arange(start, start + len(found))
        # the spot itself is among its neighbours, so the k-th other one is at most at place k
        limit = distances[:, k] * (1 + _TIE)
        near = (found != own[:, None]) & (distances <= limit[:, None])
        counts.append(near.sum(axis=1))
        columns.append(found[near].astype(np.int32))
    return _symmetric(np.concatenate(counts), np.concatenate(columns))


def feature_graph(
    features: NDArray[np.floating], k: int, *, device: str = "cpu", seed: int = 0
) -> sp.csr_array:
    """Symmetric graph of the `k` spots with the most similar features.

    Similarity is the cosine between rows after centring the columns. The search is exact up to
    `EXACT_LIMIT` spots or on a GPU, and approximate (pynndescent) beyond.

    Parameters
    ----------
    features
        Shape (n_spots, n_features).
    k
        Number of neighbours, below n_spots.
    device
        Where the exact search runs.
    seed
        Seed of the approximate search.

    Returns
    -------
    csr_array
        ``float32`` ones, shape (n_spots, n_spots), no self loops.

    Raises
    ------
    InputError
        If there are not more spots than neighbours.
    """
    n = len(features)
    check_enough(n, k, "feature_neighbors")
    directions = unit_rows(features)
    found: NDArray[np.integer]
    if n <= EXACT_LIMIT or device != "cpu":
        found = top_cosine(directions, directions, k, device=device, skip_self=True)
    else:
        found = approximate(directions, k, seed)
    return _symmetric(np.full(n, k), found.ravel().astype(np.int32, copy=False))


def unit_rows(features: NDArray[np.floating], portion: Portion = WHOLE) -> NDArray[np.float32]:
    """Rows of the column-centred matrix scaled to length 1, ``float32``."""
    center = portion.mean(features)
    unit = np.empty(features.shape, dtype=np.float32)
    for start in range(0, len(features), _SPOTS):
        rows = slice(start, start + _SPOTS)
        centred = features[rows] - center
        norms = np.linalg.norm(centred, axis=1, keepdims=True)
        unit[rows] = centred / np.maximum(norms, 1e-12)
    return unit


def top_cosine(
    queries: NDArray[np.float32] | torch.Tensor,
    keys: NDArray[np.float32] | torch.Tensor,
    k: int,
    *,
    device: torch.device | str = "cpu",
    skip_self: bool = False,
) -> NDArray[np.int64]:
    """Rows of `keys` with the largest inner product with each row of `queries`, exactly.

    Works in blocks of rows, so memory stays O(n (d + k)).

    Returns
    -------
    ndarray
        ``int64``, shape (n_queries, k), best first.
    """
    left = torch.as_tensor(queries, device=device)
    right = torch.as_tensor(keys, device=device)
    if left.device.type == "cpu":
        return _top_on_cpu(left.numpy(), right.numpy(), k, skip_self=skip_self)
    step = max(1, _GPU_BLOCK // len(right))
    # one array: rows kept between large temporary arrays would pin the heap around those
    found = torch.empty((len(left), k), dtype=torch.int64)
    for start in range(0, len(left), step):
        similarity = left[start : start + step] @ right.T
        if skip_self:
            block = torch.arange(len(similarity), device=similarity.device)
            similarity[block, start + block] = -torch.inf
        found[start : start + step] = _largest(similarity, k)
    return found.numpy()


def _top_on_cpu(
    queries: NDArray[np.float32], keys: NDArray[np.float32], k: int, *, skip_self: bool
) -> NDArray[np.int64]:
    """`top_cosine`, with each of PyTorch's threads on rows of its own.

    A product is done in a few milliseconds: threads that share it wait for each other longer, and
    where other programs run many times longer.
    """
    step = max(1, _BLOCK // len(keys))
    starts = range(0, len(queries), step)
    found = np.empty((len(queries), k), dtype=np.int64)

    def work(mine: Sequence[int]) -> None:
        held = np.empty((min(step, len(queries)), len(keys)), dtype=np.float32)
        for start in mine:
            rows = queries[start : start + step]
            similarity = np.matmul(rows, keys.T, out=held[: len(rows)])
            if skip_self:
                block = np.arange(len(rows))
                similarity[block, start + block] = -np.inf
            found[start : start + step] = _largest_on_cpu(similarity, k)

    n_threads = min(torch.get_num_threads(), len(starts))
    with _blas().limit(limits=1):
        if n_threads < 2:
            work(starts)
        else:
            with ThreadPoolExecutor(n_threads) as pool:
                list(pool.map(work, [starts[first::n_threads] for first in range(n_threads)]))
    return found


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")  # looking for them takes milliseconds


def _largest_on_cpu(values: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Columns of the k largest values of each row, largest first.

    The k-th largest of the maxima of groups of columns is at most the k-th largest value, and
    hardly more than k values reach it: only those are sorted.
    """
    rows, n = values.shape
    size = math.isqrt(n // k)
    if size < 2:
        return np.argsort(-values, axis=1)[:, :k]
    n_groups = n // size
    # a group is every n_groups-th column, which lets the maxima run along memory
    maxima = values[:, : size * n_groups].reshape(rows, size, n_groups).max(axis=1)
    if np.isnan(maxima).any():  # of training that diverged
        return np.argsort(-values, axis=1)[:, :k]
    least = np.partition(maxima, n_groups - k, axis=1)[:, n_groups - k, None]
    row, column = np.divmod(np.flatnonzero(values >= least), n)
    counts = np.bincount(row, minlength=rows)
    place = np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
    reached = np.full((rows, counts.max()), np.inf, dtype=np.float32)
    columns = np.zeros(reached.shape, dtype=np.int64)
    reached[row, place] = -values[row, column]
    columns[row, place] = column
    best = np.argsort(reached, axis=1)[:, :k]
    return np.take_along_axis(columns, best, axis=1)


def _largest(values: torch.Tensor, k: int) -> torch.Tensor:
    """`_largest_on_cpu` on a GPU.

    The k largest are in the k groups of columns with the largest maxima, so only those are
    sorted: a pass for the maxima and two short sorts, where `topk` alone sorts the whole row.
    """
    rows, n = values.shape
    size = math.isqrt(n // k)
    if size < 2:
        return values.topk(k, dim=1).indices
    n_groups = n // size
    # a group is every n_groups-th column, which lets the maxima run along memory
    maxima = values[:, : size * n_groups].view(rows, size, n_groups).amax(dim=1)
    groups = maxima.topk(k, dim=1, sorted=False).indices
    members = torch.arange(size, device=values.device)[:, None] * n_groups
    columns = (groups[:, None, :] + members).view(rows, size * k)
    rest = torch.arange(size * n_groups, n, device=values.device)
    columns = torch.cat([columns, rest.expand(rows, -1)], dim=1)
    best = values.gather(1, columns).topk(k, dim=1).indices
    return columns.gather(1, best)


def search_memory(n: int, n_features: int, device: str) -> int:
    """About how many bytes the exact search among n rows takes on its device."""
    return 4 * (n * n_features + 2 * max(min(_block(device), n * n), n))


def _block(device: str) -> int:
    return _BLOCK if device == "cpu" else _GPU_BLOCK


def approximate(directions: NDArray[np.float32], k: int, seed: int) -> NDArray[np.int32]:
    """Neighbours of unit rows by an index, shape (n, k)."""
    from pynndescent import NNDescent

    # On unit rows the Euclidean order is the cosine order.
    index = NNDescent(directions, n_neighbors=k + 1, metric="euclidean", random_state=seed)
    found = index.neighbor_graph[0]
    n = len(directions)
    # The spot itself is nearly always first; where it is not, drop the last one instead.
    itself = found == np.arange(n)[:, None]
    itself[~itself.any(axis=1), -1] = True
    first = np.cumsum(itself, axis=1) == 1
    kept: NDArray[np.int32] = found[~(itself & first)].reshape(n, k)
    return kept


def _symmetric(counts: NDArray[np.integer], columns: NDArray[np.int32]) -> sp.csr_array:
    """The graph of spots that have so many neighbours each, and to be one goes both ways."""
    n = len(counts)
    pointers = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    graph = sp.csr_array((np.ones(len(columns), dtype=np.float32), columns, pointers), (n, n))
    graph.sort_indices()
    graph = graph.maximum(graph.T.tocsr()).tocsr()
    graph.sort_indices()
    graph.data[:] = 1.0
    return graph


def check_enough(n: int, k: int, parameter: str) -> None:
    """Raise `InputError` if there are not more spots than neighbours."""
    if n <= k:
        raise InputError(
            f"{n} spots are too few for {parameter}={k}. "
            f"Use more spots, or set {parameter} to {max(n - 1, 1)} or less."
        )
