"""10x matrices whose counts stay on the disk: spots are read some thousands at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.data.stored import CHUNK_ROWS
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MATRIX = "matrix"
AT_ONCE = 1 << 22
"""Entries of a text that are read together."""


def opened_10x(path: Path) -> AnnData:
    """Open a 10x ``.h5`` of Cell Ranger 3 or later; ``X`` is a dask array of it.

    Names and annotations are those of `scanpy.read_10x_h5`.
    """
    import h5py

    with h5py.File(path) as file:
        matrix = file[_MATRIX]
        features = matrix["features"]
        read = {
            name: item[:] if item.dtype.kind == "b" else item[:].astype(str)
            for name, item in features.items()
            if isinstance(item, h5py.Dataset) and name != "_all_tag_keys"
        }
        spots = matrix["barcodes"][:].astype(str)
        n_features, n_spots = (int(side) for side in matrix["shape"][:])
    names, numbers = read.pop("name"), read.pop("id")
    gene = read.pop("gene_id", None)
    told = {"gene_ids": numbers} if gene is None else {"gene_ids": gene, "probe_ids": numbers}
    var = pd.DataFrame(told | {"feature_types": read.pop("feature_type")} | read, index=names)
    values = _by_rows(path, (n_spots, n_features))
    return AnnData(values, obs=pd.DataFrame(index=spots), var=var)


def spooled_mtx(parts: Iterator[pd.DataFrame], shape: tuple[int, int], path: Path) -> Any:
    """Entries of a Matrix Market file as a dask array of a copy that can be read by rows.

    Parameters
    ----------
    parts
        Columns row, column and value, from 1 and in the order of the columns, as 10x writes them.
    shape
        Of the file, features x spots.
    path
        How messages call it.

    Returns
    -------
    Spots x features. The copy lies in the system's folder for temporary files, in an eighth of the
    room of the text or less, and goes with the array.

    Raises
    ------
    InputError
        If the entries are in another order.
    """
    import h5py

    n_features, n_spots = shape
    counts = np.zeros(n_spots, dtype=np.int64)
    copy = _Copy(TemporaryDirectory(prefix="napari-trsmi-"))
    last = 0
    with h5py.File(copy.path, "w") as file:
        group = file.create_group(_MATRIX)
        how = {"shape": (0,), "maxshape": (None,), "chunks": (1 << 16,), "compression": "lzf"}
        data = group.create_dataset("data", dtype="f4", **how)
        indices = group.create_dataset("indices", dtype="i4", **how)
        for part in parts:
            columns = part["column"].to_numpy() - 1
            if len(columns) and (columns[0] < last or np.any(np.diff(columns) < 0)):
                raise InputError(
                    f"{path} is too large to be read whole, and its entries do not follow the "
                    "order of its spots, so that it cannot be read in parts either. Save it as "
                    "10x's .h5 or as .h5ad."
                )
            last = int(columns[-1]) if len(columns) else last
            counts += np.bincount(columns, minlength=n_spots)
            for stored, values in ((data, part["value"]), (indices, part["row"] - 1)):
                stored.resize(len(stored) + len(part), axis=0)
                stored[len(stored) - len(part) :] = values.to_numpy()
        group["indptr"] = np.concatenate([[0], np.cumsum(counts)])
    return _by_rows(copy, (n_spots, n_features))


@dataclass(frozen=True)
class _Copy:
    """A file in a folder that goes with it."""

    folder: TemporaryDirectory[str]

    @property
    def path(self) -> Path:
        return Path(self.folder.name) / "counts.h5"


def _by_rows(source: Path | _Copy, shape: tuple[int, int]) -> Any:
    """A compressed matrix of an HDF5 file, spot by spot, as a dask array, which keeps a copy."""
    import dask.array as da
    import h5py

    # of a copy dask can make no digest to call the array by
    path, named = source, {}
    if isinstance(source, _Copy):
        path, named = source.path, {"name": f"counts-{Path(source.folder.name).name}"}
    with h5py.File(path) as file:
        dtype = file[_MATRIX]["data"].dtype
    starts = range(0, shape[0], CHUNK_ROWS)
    rows = tuple(min(CHUNK_ROWS, shape[0] - start) for start in starts)
    return da.map_blocks(  # type: ignore[no-untyped-call]
        partial(_read_rows, source),
        dtype=dtype,
        chunks=(rows, (shape[1],)),
        meta=sp.csr_matrix((0, 0), dtype=dtype),
        **named,
    )


def _read_rows(source: Path | _Copy, *, block_info: Any = None) -> sp.csr_matrix[Any]:
    """Read some spots; the file is opened for each part, as threads and processes may ask."""
    import h5py

    (start, stop), (_, n_columns) = block_info[None]["array-location"]
    with h5py.File(source.path if isinstance(source, _Copy) else source) as file:
        group = file[_MATRIX]
        pointers = group["indptr"][start : stop + 1].astype(np.int64)
        entries = slice(int(pointers[0]), int(pointers[-1]))
        data, indices = group["data"][entries], group["indices"][entries]
    return sp.csr_matrix((data, indices, pointers - pointers[0]), shape=(stop - start, n_columns))
