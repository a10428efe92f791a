"""Tables that stay where they are: rows of them are read, changed and let go, a chunk at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import scipy.sparse as sp

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
            chunk = self._read(start, stop)
            if high - low < stop - start:
                chunk = chunk[stored[low:high] - start]
            yield order[low:high], _all_steps(chunk, self.steps)

    def _together(self, most: int) -> Iterator[tuple[int, int]]:
        """Yield rows that are read together: whole chunks where they fit, so that none is twice."""
        ends = np.cumsum(self.values.chunks[0])
        start = 0
        while start < self.values.shape[0]:
            whole = ends[(ends > start) & (ends <= start + most)]
            stop = int(whole[-1]) if len(whole) else min(start + most, self.values.shape[0])
            yield start, stop
            start = stop

    def _read(self, start: int, stop: int) -> Any:
        try:
            chunk = self.values[start:stop].compute()
            if is_sparse(chunk):
                chunk = sp.csr_matrix(chunk)
                chunk.check_format(full_check=True)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise InputError(
                f"Table {self.label} cannot be read between rows {start:,} and {stop:,}: {error}. "
                "It may be damaged: copy or write it again."
            ) from error
        return chunk

    def depth(self) -> NDArray[np.float64]:
        """Total of each row, shape (n_rows,)."""
        depth = np.zeros(self.shape[0])
        for places, chunk in self.chunks():
            depth[places] = np.asarray(chunk.sum(axis=1), dtype=np.float64).ravel()
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
