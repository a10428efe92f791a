"""HDF5 before it is read: nothing outside the file is followed, nothing it claims is believed.

The libraries that read tables follow links to other files, allocate whatever size an array claims,
and hand indices to compiled code that does not check them.
"""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from struct import unpack_from
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.reading.memory import check_claim, check_room
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SPARSE = {"data", "indices", "indptr"}
_HEAP = b"GCOL\1\0\0\0"
_AT_A_TIME = 1 << 24


def check_hdf5(path: Path, *, whole: bool = True) -> int:
    """Look through a file.

    Parameters
    ----------
    path
        The file.
    whole
        Whether all of it is going to be read, so that it must fit the memory.

    Returns
    -------
    Bytes that it takes in memory.

    Raises
    ------
    InputError
        When it points to other files, claims more than it holds or than there is memory for, or
        has a sparse table whose indices lead out of it. Names the place.
    """
    import h5py

    _check_heaps(path)
    with h5py.File(path) as file:
        total = 0
        for place, item in _items(file, path):
            if isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise InputError(_outside(path, place))
                total += _claimed(item, f"{place!r} in {path.name}")
            elif set(item) >= _SPARSE:
                _check_sparse(item, f"{path}: the sparse table {place!r}")
    if whole:
        check_room(total, f"{path.name}")
    return total


def _check_heaps(path: Path) -> None:
    """Raise an InputError for a heap of texts that never ends: the HDF5 library walks on forever.

    A collection is a header of 16 bytes, and objects with their size in the last 8 of 16 bytes;
    object 0 is the space that is left (HDF5 file format 3.0, III.E).
    """
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        start = content.find(_HEAP)
        while start >= 0:
            (size,) = unpack_from("<Q", content, start + 8) if start + 16 <= len(content) else (0,)
            end = min(start + size, len(content))
            place = start + 16
            while place + 16 <= end:
                index, _, _, length = unpack_from("<HHIQ", content, place)
                if index == 0 and length < 16:
                    raise InputError(
                        f"{path} is damaged: a list of texts in it has no end. Copy or write the "
                        "file again."
                    )
                place = end if index == 0 else place + 16 + -(-length // 8) * 8
            start = content.find(_HEAP, start + 4)


def _items(file: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """Yield every group and array once, and follow no link out of the file."""
    import h5py

    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("/", file)]
    while waiting:
        place, group = waiting.pop()
        yield place, group
        for name in group:
            inside = f"{place.rstrip('/')}/{name}"
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise InputError(_outside(path, inside))
            if isinstance(link, h5py.SoftLink):
                continue  # to a place that is looked at by itself
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append((inside, item))
            elif isinstance(item, h5py.Dataset):
                yield inside, item


def _outside(path: Path, place: str) -> str:
    return (
        f"{path} keeps {place!r} in another file, which is not read: such a link can show any file "
        "of this computer. Save a copy that holds all in one file."
    )


def _claimed(item: Any, what: str) -> int:
    if item.shape is None:
        return 0
    claimed = int(item.size) * int(item.dtype.itemsize)
    check_claim(claimed, int(item.id.get_storage_size()), what)
    return claimed


def _check_sparse(group: Any, what: str) -> None:
    """Check a compressed matrix, by rows (anndata's) or by columns (10x's, and anndata's CSC)."""
    import h5py

    if not all(isinstance(group[name], h5py.Dataset) for name in _SPARSE):
        return
    shape = group.attrs.get("shape", group.attrs.get("h5sparse_shape"))
    by_columns = "csc" in str(group.attrs.get("encoding-type", group.attrs.get("h5sparse_format")))
    if shape is None and "shape" in group:  # 10x: features x spots
        shape, by_columns = group["shape"][:], True
    if shape is None or len(shape) != 2:
        raise InputError(_damaged(what, "its shape is missing"))
    major, minor = (int(n) for n in (reversed(shape) if by_columns else shape))
    pointers, indices = group["indptr"], group["indices"]
    if pointers.ndim != 1 or indices.ndim != 1 or group["data"].ndim != 1:
        raise InputError(_damaged(what, "its parts are no lists"))
    if len(pointers) != major + 1 or len(indices) != len(group["data"]):
        raise InputError(_damaged(what, "its parts do not fit each other"))
    check_structure(pointers[:], _parts(indices), len(indices), minor, what)


def _parts(indices: Any) -> Iterator[Any]:
    for start in range(0, len(indices), _AT_A_TIME):
        yield indices[start : start + _AT_A_TIME]


def check_structure(
    pointers: Any, parts: Iterator[Any], n_values: int, n_minor: int, what: str
) -> None:
    """Raise an InputError if a compressed matrix's pointers or indices lead out of it.

    Parameters
    ----------
    pointers
        Where each row (or column) begins.
    parts
        The indices, some at a time.
    n_values
        Number of stored values.
    n_minor
        What the indices stay below.
    what
        Begins the sentence.
    """
    if pointers.dtype.kind not in "iu" or pointers[0] != 0 or pointers[-1] != n_values:
        raise InputError(_damaged(what, "its rows do not end where its values do"))
    if np.any(pointers[1:] < pointers[:-1]):
        raise InputError(_damaged(what, "its rows do not follow each other"))
    for part in parts:
        if len(part) and (part.dtype.kind not in "iu" or part.min() < 0 or part.max() >= n_minor):
            raise InputError(_damaged(what, "its indices lead out of it"))


def _damaged(what: str, how: str) -> str:
    return f"{what} is damaged: {how}. Copy or write the file again."
