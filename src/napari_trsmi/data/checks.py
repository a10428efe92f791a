"""What the numbers of a table must be, and what is dropped when they carry nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.layers import named_layers
from napari_trsmi.data.selection import how_to
from napari_trsmi.data.stored import StoredMatrix, is_sparse
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.parts import Matrix, Part

MIN_SPOTS = 3

_SMALLEST = 1e-16
"""Squares of it and of its inverse, summed, are still numbers of single precision."""


def check_names(spots: pd.Index, label: str) -> None:
    """Raise an InputError when there are no spots or two share a name."""
    if not len(spots):
        raise InputError(f"Table {label} has no spots. Check that it is the file you meant.")
    repeated = spots[spots.duplicated()]
    if len(repeated):
        raise InputError(
            f"Table {label} repeats {counted(repeated.nunique(), 'spot name')}, first "
            f"{repeated[0]!r}. Spots are matched by name: make the names unique, for example by "
            "putting the section's name in front."
        )


def check_sparse(table: AnnData, label: str) -> None:
    """Raise an InputError if a sparse matrix's indices lead out of it.

    Compiled code would read or write there.
    """
    if table.is_view:  # of a table that is in memory and in use
        return
    raw = [] if table.raw is None else [("raw", table.raw.X)]
    for place, values in [("X", table.X), *named_layers(table).items(), *raw]:
        if sp.issparse(values) and hasattr(values, "indptr"):
            matrix: Any = values
            try:
                matrix.check_format(full_check=True)
            except ValueError as error:
                raise InputError(
                    f"Table {label} is damaged: the indices of {place} lead out of it ({error}). "
                    "Copy or write it again."
                ) from error


def check_enough(n_spots: int, which: str) -> None:
    """Raise an InputError when fewer than three spots are left."""
    if n_spots < MIN_SPOTS:
        raise InputError(
            f"Too few spots: {n_spots} {which}, at least {MIN_SPOTS} are needed. Check that the "
            "tables are whole and belong to one section."
        )


def check_values(part: Part) -> None:
    """Raise an InputError naming the first spot and feature with an unusable value.

    Counts must be finite and not negative, ready features finite.
    """
    largest = max(_largest_of_chunks(part), default=0.0)
    if 0 < largest < _SMALLEST:
        raise InputError(
            f"The largest value of table {part.label} is {largest:g}: the smallest numbers that "
            f"can be worked with are {_SMALLEST:g}. Multiply the table by a constant."
        )


def _largest_of_chunks(part: Part) -> Iterator[float]:
    """`_largest` of a part whose values are in memory; of others of one chunk after the other."""
    if not isinstance(part.matrix, StoredMatrix):
        yield _largest(part)
        return
    bare = replace(part, matrix=np.empty((0, 0), dtype=np.float32), spots=part.spots[:0])
    names = part.spots.to_numpy(dtype=object)
    for _, largest in part.matrix.mapped(partial(_largest_in, part=bare), names):
        yield largest


def _largest_in(chunk: Any, names: NDArray[Any], part: Part) -> float:
    import pandas as pd

    return _largest(replace(part, matrix=chunk, spots=pd.Index(names)))


def _of_chunks(
    part: Part, work: Callable[[Matrix], Any]
) -> Iterator[tuple[NDArray[np.intp] | slice, Any]]:
    """What is made of values that are in memory; of others of one chunk after the other."""
    if isinstance(part.matrix, StoredMatrix):
        yield from part.matrix.mapped(work)
    else:
        yield slice(None), work(part.matrix)


def _largest(part: Part) -> float:
    """Check that all values can be used, and return the largest."""
    what = "count" if part.kind.is_counted else "value"
    matrix: Any = part.matrix
    values = matrix.data if is_sparse(matrix) else matrix
    bad = ~np.isfinite(values)
    remedy = "Remove these spots or features, or fill in the values, before loading."
    if not bad.any() and part.kind.is_counted:
        bad = values < 0
        remedy = (
            "Pass raw counts (an AnnData keeps them in layers['counts']), or name the table "
            "'features' if its columns are ready features."
        )
    if not bad.any():
        return _magnitude(part, values)
    row, column, value = _first(matrix, bad)
    raise InputError(
        f"Table {part.label} has {counted(int(bad.sum()), 'unusable ' + what)}, "
        f"first {value:g} at spot {part.spots[row]!r}, feature {part.features[column]!r}. {remedy}"
    )


def _magnitude(part: Part, values: NDArray[np.float32]) -> float:
    """Check that squares of the values stay in single precision, and return the largest."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest > 1 / _SMALLEST:
        bad = np.abs(values) > 1 / _SMALLEST
        matrix: Any = part.matrix
        row, column, value = _first(matrix, bad)
        raise InputError(
            f"Table {part.label} has {value:g} at spot {part.spots[row]!r}, feature "
            f"{part.features[column]!r}: the largest number that can be worked with is "
            f"{1 / _SMALLEST:g}. Divide the table, or correct the value."
        )
    return largest


def _first(matrix: Matrix, bad: NDArray[np.bool_]) -> tuple[int, int, float]:
    if sp.issparse(matrix):
        place = int(np.flatnonzero(bad)[0])
        row = int(np.searchsorted(matrix.indptr, place, side="right")) - 1
        return row, int(matrix.indices[place]), float(matrix.data[place])
    row, column = (int(i) for i in np.argwhere(bad)[0])
    return row, column, float(matrix[row, column])


def spots_with_counts(parts: list[Part], notes: list[str]) -> NDArray[np.bool_]:
    """Mark the spots that have a count in every table of counts, and note the others.

    Parameters
    ----------
    parts
        Modalities with the same spots in the same order.
    notes
        Gets a sentence for each table that has empty spots.

    Returns
    -------
    ndarray of bool, shape (n_spots,)
    """
    keep = np.ones(len(parts[0].spots), dtype=bool)
    for part in parts:
        if not part.kind.is_counted:
            continue
        empty = np.ones(len(keep), dtype=bool)
        for places, has in _of_chunks(part, partial(_any_nonzero, axis=1)):
            empty[places] = ~has
        if empty.all():
            raise InputError(f"Table {part.label} holds only zeros on the spots that are used.")
        if empty.any():
            notes.append(
                f"{counted(int(empty.sum()), 'spot')} without any count in {part.name} dropped "
                f"from all tables (first {part.spots[empty][0]!r})."
            )
        keep &= ~empty
    return keep


def drop_uninformative(part: Part, notes: list[str]) -> Part:
    """Drop features that are zero everywhere (counts) or constant (ready features)."""
    if not part.kind.is_counted:
        edges = [found for _, found in _of_chunks(part, _edges)]
        low, high = (np.array(each) for each in zip(*edges, strict=True))
        keep, what = low.min(axis=0) < high.max(axis=0), "constant"
    else:
        keep, what = np.zeros(len(part.features), dtype=bool), "all-zero"
        for _, has in _of_chunks(part, partial(_any_nonzero, axis=0)):
            keep |= has
    if keep.all():
        return part
    if not keep.any():
        raise InputError(
            f"Table {part.label} has only {what} features on the spots that are used: it says "
            "nothing about domains. Leave it out."
        )
    notes.append(f"{counted(int((~keep).sum()), what + ' feature')} of {part.name} dropped.")
    return replace(part, matrix=part.matrix[:, keep], features=part.features[keep])


_CONTROL = re.compile(
    r"isotype|(?:^|[ _.-])ig[gma]\d?[a-d]?k?(?:[ _.-](?:ctrl|control|k|kappa|iso))|"
    r"(?:mouse|rat|hamster|human|goat|rabbit)[ _.-]*ig[gma]|ctrl[ _.-]*ig[gma]",
    flags=re.IGNORECASE,
)


def without_controls(part: Part, notes: list[str], *, keep: bool) -> Part:
    """Leave out isotype controls, antibodies that bind nothing and measure the background.

    Parameters
    ----------
    part
        A modality.
    notes
        Gets a sentence with their names.
    keep
        Whether to keep them.
    """
    found = part.features.astype(str).str.contains(_CONTROL)
    if part.kind is not Kind.PROTEIN or not found.any() or found.all():
        return part
    names = ", ".join(part.features[found][:6])
    number = counted(int(found.sum()), "isotype control")
    if keep:
        notes.append(f"{number} of {part.name} kept, as asked ({names}).")
        return part
    notes.append(
        f"{number} of {part.name} left out ({names}). To keep them, pass "
        f"{how_to('keep', 'controls')}."
    )
    return replace(part, matrix=part.matrix[:, ~found], features=part.features[~found])


def _any_nonzero(matrix: Any, axis: int) -> NDArray[np.bool_]:
    if is_sparse(matrix):
        return np.asarray(matrix.count_nonzero(axis=axis) > 0, dtype=np.bool_)
    return np.asarray((matrix != 0).any(axis=axis), dtype=np.bool_)


def _edges(matrix: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Least and largest value of each column."""
    if is_sparse(matrix):
        return matrix.min(axis=0).toarray().ravel(), matrix.max(axis=0).toarray().ravel()
    return matrix.min(axis=0), matrix.max(axis=0)
