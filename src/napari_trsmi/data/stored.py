"""Tables that stay where they are: rows of them are read, changed and let go, a chunk at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from napari_trsmi.data.cluster import added_up, connected_client, in_order
from napari_trsmi.data.reading.memory import check_room
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

Step: TypeAlias = "Callable[[Any], Any]"

CHUNK_ROWS = 8192
"""Rows that are read at a time: of 18,000 genes at 2% some 25 MB."""

_CHUNK_BYTES = 1 << 26
"""Of a dense chunk."""
_UNREADABLE = (OSError, ValueError, RuntimeError, KeyError)


@dataclass(frozen=True, eq=False)
class StoredMatrix:
    """A matrix that is read a chunk of rows at a time, in the order in which it is stored.

    Whoever goes through it needs one chunk in memory, whatever the number of rows. Rows and columns
    are picked, and chunks changed, when they are read.

    Attributes
    ----------
    values
        What is stored, a dask array of whole rows; sparse chunks are CSR.
    label
        How messages call the table.
    n_columns
        After the steps.
    rows
        Where each row is stored; None for all, in order.
    steps
        What is done with each chunk that was read, in this order.
    """

    values: Any
    label: str
    n_columns: int
    rows: NDArray[np.intp] | None = None
    steps: tuple[Step, ...] = ()

    @classmethod
    def of(cls, values: Any, label: str) -> StoredMatrix:
        """A dask array of numbers, as it is.

        Raises
        ------
        InputError
            If it holds no numbers, or is sparse and kept by columns.
        """
        if values.dtype.kind not in "biuf":
            raise InputError(
                f"Table {label} holds {values.dtype} values, not numbers. Convert them before "
                "loading."
            )
        if values.ndim != 2:
            raise InputError(
                f"Table {label} has shape {values.shape}. Pass two dimensions, spots x features."
            )
        if len(values.chunks[1]) > 1:
            if is_sparse(values._meta):
                raise InputError(
                    f"Table {label} is kept by columns (CSC), and its rows cannot be read one "
                    "after the other. Save it by rows: table.X = table.X.tocsr()."
                )
            values = values.rechunk({0: "auto", 1: -1})
        return cls(values, label, int(values.shape[1]), steps=(_as_numbers,))

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return (self.values.shape[0] if self.rows is None else len(self.rows), self.n_columns)

    def __getitem__(self, picked: Any) -> StoredMatrix:
        """Pick rows, or columns as ``[:, columns]``; by mask or by number."""
        if not isinstance(picked, tuple):
            numbers = _numbers(picked)
            return replace(self, rows=numbers if self.rows is None else self.rows[numbers])
        everything, columns = picked
        if everything != slice(None):
            raise TypeError("pick rows and columns one after the other")
        numbers = _numbers(columns)
        return self.then(lambda chunk: chunk[:, numbers], len(numbers))

    def then(self, step: Step, n_columns: int | None = None) -> StoredMatrix:
        """The same with one more step.

        Parameters
        ----------
        step
            Takes a chunk and returns it changed; of each row by itself.
        n_columns
            That it leaves; None if it leaves all.
        """
        left = self.n_columns if n_columns is None else n_columns
        return replace(self, steps=(*self.steps, step), n_columns=left)

    def chunks(self) -> Iterator[tuple[NDArray[np.intp], Any]]:
        """Read chunk by chunk.

        Yields
        ------
        places
            Which rows of the matrix, shape (n_chunk,).
        chunk
            Their values, float32 unless a step made something else: dense, or CSR with indices
            that are sorted and no stored zeros.

        Raises
        ------
        InputError
            If a chunk cannot be read, or its indices lead out of it.
        """
        for start, stop, places, picked in self._spans():
            try:
                chunk = _read(self.values[start:stop].compute(), picked)
            except _UNREADABLE as error:
                raise self._damaged(start, stop, error) from error
            yield places, _all_steps(chunk, self.steps)

    def mapped(
        self, work: Callable[..., Any], beside: NDArray[Any] | None = None
    ) -> Iterator[tuple[NDArray[np.intp], Any]]:
        """What is made of each chunk; on the workers of a Dask cluster where one is connected.

        Parameters
        ----------
        work
            Takes a chunk, and the rows of `beside` that go with it.
        beside
            Shape (n_rows, ...).

        Yields
        ------
        The places of the chunk, and what was made of it.
        """
        client = connected_client()
        if client is None:
            for places, chunk in self.chunks():
                yield places, work(chunk) if beside is None else work(chunk, beside[places])
            return
        yield from in_order(client, self._tasks(client, work, beside), self.label)

    def summed(
        self, work: Callable[..., tuple[Any, ...]], beside: NDArray[Any] | None = None
    ) -> tuple[Any, ...]:
        """Sum over the chunks of what is made of each: arrays, which are added one by one.

        Parameters
        ----------
        work, beside
            As for `mapped`.
        """
        client = connected_client()
        if client is not None:
            parts = [part for _, part in self._tasks(client, work, beside)]
            return added_up(client, parts, self.label)
        total: list[Any] = []
        for _, part in self.mapped(work, beside):
            for one, other in zip(total, part, strict=bool(total)):
                one += other  # in place: products of columns are large
            total = total or list(part)
        return tuple(total)

    def _tasks(
        self, client: Any, work: Callable[..., Any], beside: NDArray[Any] | None
    ) -> Iterator[tuple[NDArray[np.intp], Any]]:
        """The places of each chunk, and its task as Dask takes it."""
        from dask.delayed import delayed

        job = client.scatter([(self.steps, work)], broadcast=True, hash=False)[0]  # once
        task = delayed(_worked, pure=False)
        for start, stop, places, picked in self._spans():
            rows = None if beside is None else beside[places]
            yield places, task(self.values[start:stop], picked, job, rows)

    def _spans(self) -> Iterator[tuple[int, int, NDArray[np.intp], NDArray[np.intp] | None]]:
        """Rows that are stored together: from, to, their places here, and which; None for all."""
        rows = np.arange(self.shape[0]) if self.rows is None else self.rows
        order = np.argsort(rows, kind="stable")
        stored = rows[order]
        width = self.values.shape[1] * self.values.dtype.itemsize
        most = CHUNK_ROWS
        if not is_sparse(self.values._meta):
            most = max(1, min(CHUNK_ROWS, _CHUNK_BYTES // max(width, 1)))
        for start, stop in self._together(most):
            low, high = np.searchsorted(stored, (start, stop))
            if low == high:
                continue
            picked = stored[low:high] - start if high - low < stop - start else None
            yield start, stop, order[low:high], picked

    def _together(self, most: int) -> Iterator[tuple[int, int]]:
        """Yield rows that are read together: whole chunks where they fit, so that none is twice."""
        ends = np.cumsum(self.values.chunks[0])
        start = 0
        while start < self.values.shape[0]:
            whole = ends[(ends > start) & (ends <= start + most)]
            stop = int(whole[-1]) if len(whole) else min(start + most, self.values.shape[0])
            yield start, stop
            start = stop

    def _damaged(self, start: int, stop: int, error: Exception) -> InputError:
        return InputError(
            f"Table {self.label} cannot be read between rows {start:,} and {stop:,}: {error}. "
            "It may be damaged: copy or write it again."
        )

    def depth(self) -> NDArray[np.float64]:
        """Total of each row, shape (n_rows,)."""
        depth = np.zeros(self.shape[0])
        for places, totals in self.mapped(_totals):
            depth[places] = totals
        return depth

    def as_dask(self) -> Any:
        """The matrix as a dask array of its rows in order."""
        values = self.values if self.rows is None else self.values[self.rows]
        sparse = is_sparse(values._meta)
        shape = (0, values.shape[1])
        empty = _all_steps(
            sp.csr_matrix(shape, dtype=values.dtype) if sparse else np.empty(shape, values.dtype),
            self.steps,
        )
        return values.map_blocks(
            partial(_all_steps, steps=self.steps),
            dtype=empty.dtype,
            chunks=(values.chunks[0], (self.n_columns,)),
            meta=empty,
        )

    def in_memory(self) -> Any:
        """Read everything.

        Raises
        ------
        InputError
            If it does not fit the memory that is free.
        """
        chunks: list[Any] = []
        places: list[NDArray[np.intp]] = []
        done = 0
        n_rows = self.shape[0]
        for where, chunk in self.chunks():
            chunks.append(chunk)
            places.append(where)
            done += len(where)
            if len(chunks) == 1:  # what there is of one chunk tells what there will be
                check_room(2 * _size(chunk) * n_rows / done, f"Table {self.label}")
        sparse = is_sparse(chunks[0])
        whole = sp.vstack(chunks, format="csr") if sparse else np.concatenate(chunks)
        return whole[np.argsort(np.concatenate(places))]


def _read(chunk: Any, picked: NDArray[np.intp] | None) -> Any:
    if is_sparse(chunk):
        chunk = sp.csr_matrix(chunk)
        chunk.check_format(full_check=True)
    return chunk if picked is None else chunk[picked]


def _worked(
    chunk: Any,
    picked: NDArray[np.intp] | None,
    job: tuple[tuple[Step, ...], Callable[..., Any]],
    beside: NDArray[Any] | None,
) -> Any:
    """What a worker of a cluster does with a chunk."""
    steps, work = job
    chunk = _all_steps(_read(chunk, picked), steps)
    return work(chunk) if beside is None else work(chunk, beside)


def _totals(chunk: Any) -> NDArray[np.float64]:
    return np.asarray(chunk.sum(axis=1), dtype=np.float64).ravel()


def is_sparse(values: Any) -> bool:
    """Whether a matrix is one of scipy's sparse ones."""
    return bool(sp.issparse(values))


def is_lazy(values: Any) -> bool:
    """Whether an array is one of dask's."""
    return hasattr(values, "dask") and hasattr(values, "compute")


def _numbers(picked: Any) -> NDArray[np.intp]:
    array = np.asarray(picked)
    return np.flatnonzero(array) if array.dtype == bool else array.astype(np.intp)


def _as_numbers(chunk: Any) -> Any:
    """Take float32, and of what is sparse each value once and no zeros."""
    if not is_sparse(chunk):
        with np.errstate(over="ignore"):  # an overflow becomes inf, which the checks report
            return np.ascontiguousarray(chunk, dtype=np.float32)
    matrix: Any = sp.csr_matrix(chunk, dtype=np.float32)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def _all_steps(chunk: Any, steps: tuple[Step, ...]) -> Any:
    for step in steps:
        chunk = step(chunk)
    return chunk


def _size(chunk: Any) -> int:
    if is_sparse(chunk):
        return int(chunk.data.nbytes + chunk.indices.nbytes + chunk.indptr.nbytes)
    return int(chunk.nbytes)
