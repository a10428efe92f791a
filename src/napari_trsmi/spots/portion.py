"""The portion of the spots that a process holds, and the rows that it borrows of others: its halo.

Spots lie in the order of a run, each process has a run of them, and a graph's columns are first
its own spots and then the borrowed ones. So a product with a graph is borrowing rows, and then the
product that one process makes; a sum over spots is that over its own, added up over processes.
With one process a portion is all there is, nothing is borrowed, and arrays are passed through.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import scipy.sparse as sp

from napari_trsmi.spots.ranks import ALONE, Ranks, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Portion:
    """All spots, held by one process."""

    ranks: Ranks = ALONE

    def sum(self, values: Rows) -> Rows:
        """Sum over the processes, of what each has summed over its spots."""
        return self.ranks.sum(values)

    def n_spots(self, n_own: int) -> int:
        """Number of all spots, of which this process has so many."""
        return n_own

    def count(self, n_own: int) -> int:
        """How many of something, such as edges, all processes have."""
        return n_own

    def mean(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Mean of the rows of all processes, in double precision."""
        return np.asarray(np.mean(rows, axis=0, dtype=np.float64))

    def variances(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Variance of each column over the rows of all processes."""
        return np.asarray(rows.var(axis=0))

    def largest(self, value: int) -> int:
        """Largest of the processes' numbers."""
        return value

    def around(self, rows: Rows) -> Rows:
        """The rows of the own spots, and after them those of the halo."""
        return rows

    def back(self, rows: Rows) -> Rows:
        """Add what was worked out for borrowed rows to their owners'; the transpose of `around`."""
        return rows

    def own(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some spots that are held here, as row numbers, in the given order."""
        return positions

    def all_rows(self, rows: Rows) -> Rows:
        """The rows of all processes, in each of them."""
        return rows

    def drawn(self, rows: Rows, positions: NDArray[np.int64]) -> Rows:
        """Rows of some spots, in each process.

        Parameters
        ----------
        rows
            Of the own spots.
        positions
            Among all spots, increasing; the same in each process.
        """
        found: Rows = self.all_rows(rows[self.own(positions)])
        return found

    def at_first(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The rows of all processes in the first one; none in others."""
        return rows

    def part(self, rows: Rows) -> Rows:
        """The own rows of what is there of all spots."""
        return rows

    def takes(self, number: int) -> bool:
        """Whether a task, numbered from 0, is this process's: they take turns."""
        return number % self.ranks.size == self.ranks.rank


WHOLE = Portion()


@dataclass(frozen=True, eq=False)
class HeldPortion(Portion):
    """A run of the spots, held by one of several processes.

    Attributes
    ----------
    ranks
        The processes.
    bounds
        Where the run of each begins, and the number of all spots: one more than processes.
    halo
        The spots that are borrowed, increasing.
    lent
        Row numbers of the own spots that each process borrows.
    """

    ranks: Ranks = field()
    bounds: NDArray[np.int64]
    halo: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    lent: tuple[NDArray[np.int64], ...] = ()

    @classmethod
    def even(cls, ranks: Ranks, n_spots: int) -> HeldPortion:
        """As many spots in each process, with nothing borrowed."""
        bounds = np.linspace(0, n_spots, ranks.size + 1).round().astype(np.int64)
        return cls(ranks, bounds)

    @property
    def start(self) -> int:
        """The first of the own spots."""
        return int(self.bounds[self.ranks.rank])

    @property
    def n_own(self) -> int:
        """Number of the own spots."""
        return int(self.bounds[self.ranks.rank + 1]) - self.start

    def borrowing(self, columns: Sequence[NDArray[np.integer]]) -> Self:
        """The same portion with the halo that rows of some graphs take.

        Parameters
        ----------
        columns
            Spots that own ones have edges to, by their position among all.
        """
        met = np.unique(np.concatenate([np.asarray(each, dtype=np.int64) for each in columns]))
        halo = met[(met < self.start) | (met >= self.start + self.n_own)]
        asked = self.ranks.exchange(self._by_owner(halo))
        return replace(self, halo=halo, lent=tuple(spots - self.start for spots in asked))

    def local(self, graph: sp.csr_array) -> sp.csr_array:
        """Rows of the own spots over own and borrowed columns, from those over all spots."""
        columns = self.columns(graph.indices)
        shape = (self.n_own, self.n_own + len(self.halo))
        own = sp.csr_array((graph.data, columns.astype(np.int32), graph.indptr), shape=shape)
        own.sort_indices()
        return own

    def over_all(self, graph: sp.csr_array) -> sp.csr_array:
        """Rows over all spots, from those over own and borrowed columns."""
        columns = self.positions(graph.indices).astype(np.int32)
        shape = (self.n_own, int(self.bounds[-1]))
        return sp.csr_array((graph.data, columns, graph.indptr), shape=shape)

    def columns(self, positions: NDArray[np.integer]) -> NDArray[np.int64]:
        """Columns of a local graph, by positions among all spots."""
        here = positions.astype(np.int64) - self.start
        borrowed = self.n_own + np.searchsorted(self.halo, positions)
        return np.where((here >= 0) & (here < self.n_own), here, borrowed)

    def positions(self, columns: NDArray[np.integer]) -> NDArray[np.int64]:
        """Positions among all spots of columns of a local graph."""
        known = np.concatenate([np.arange(self.start, self.start + self.n_own), self.halo])
        found: NDArray[np.int64] = known[columns]
        return found

    def n_spots(self, n_own: int) -> int:
        """Number of all spots, of which this process has so many."""
        del n_own
        return int(self.bounds[-1])

    def count(self, n_own: int) -> int:
        """How many of something, such as edges, all processes have."""
        return int(self.ranks.sum(np.array([n_own]))[0])

    def mean(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Mean of the rows of all processes, in double precision."""
        sums = np.sum(rows, axis=0, dtype=np.float64)
        return np.asarray(self.sum(np.asarray(sums)) / self.count(len(rows)))

    def variances(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Variance of each column over the rows of all processes."""
        return self.mean(np.square(rows - self.mean(rows)))

    def largest(self, value: int) -> int:
        """Largest of the processes' numbers."""
        return int(self.all_rows(np.array([value])).max())

    def around(self, rows: Rows) -> Rows:
        """The rows of the own spots, and after them those of the halo."""
        borrowed = self.ranks.exchange([rows[self.ranks.places(each, rows)] for each in self.lent])
        found: Rows = _joined([rows, *borrowed])
        return found

    def back(self, rows: Rows) -> Rows:
        """Add what was worked out for borrowed rows to their owners'; the transpose of `around`."""
        ends = self.n_own + np.searchsorted(self.halo, self.bounds)
        returned = self.ranks.exchange([rows[low:high] for low, high in pairwise(ends)])
        own: Rows = rows[: self.n_own] + 0  # a copy
        for each, values in zip(self.lent, returned, strict=True):
            own[self.ranks.places(each, rows)] += values
        return own

    def own(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some spots that are held here, as row numbers, in the given order."""
        here = positions - self.start
        return here[(here >= 0) & (here < self.n_own)]

    def all_rows(self, rows: Rows) -> Rows:
        """The rows of all processes, in each of them."""
        found: Rows = _joined(self.ranks.exchange([rows] * self.ranks.size))
        return found

    def at_first(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The rows of all processes in the first one; none in others."""
        parts = self.ranks.exchange([rows, *[rows[:0]] * (self.ranks.size - 1)])
        found: NDArray[Any] = _joined(parts)
        return found

    def part(self, rows: Rows) -> Rows:
        """The own rows of what is there of all spots."""
        own: Rows = rows[self.start : self.start + self.n_own]
        return own

    def _by_owner(self, spots: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Increasing positions, by the process that holds them."""
        return np.split(spots, np.searchsorted(spots, self.bounds[1:-1]))

    def symmetric(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], n_spots: int
    ) -> sp.csr_array:
        """Own rows of the symmetric 0/1 graph of all processes' edges.

        Parameters
        ----------
        rows, columns
            Positions among all spots of the edges that were found here.
        n_spots
            Number of all spots.

        Returns
        -------
        csr_array
            ``float32``, shape (n_own, n_spots), indices sorted.
        """
        both = np.concatenate([np.column_stack([rows, columns]), np.column_stack([columns, rows])])
        both = both[np.argsort(both[:, 0], kind="stable")]
        cuts = np.searchsorted(both[:, 0], self.bounds[1:-1])
        edges = np.concatenate(self.ranks.exchange(np.split(both, cuts)))
        places = (edges[:, 0] - self.start, edges[:, 1])
        ones = np.ones(len(edges), dtype=np.float32)
        graph = sp.csr_array((ones, places), shape=(self.n_own, n_spots))
        graph.sum_duplicates()
        graph.data[:] = 1.0
        return graph


def _joined(parts: Sequence[Any]) -> Any:
    """Rows of several arrays or tensors one after the other."""
    n = sum(len(part) for part in parts)
    first, shape = parts[0], (n, *parts[0].shape[1:])
    whole = first.new_empty(shape) if hasattr(first, "new_empty") else np.empty(shape, first.dtype)
    done = 0
    for part in parts:
        whole[done : done + len(part)] = part
        done += len(part)
    return whole
