"""10x matrices: HDF5 of either generation, and folders of Matrix Market files."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.data.reading.hdf5 import check_hdf5
from napari_trsmi.data.reading.memory import check_room, read_in_parts
from napari_trsmi.data.reading.stored_tenx import AT_ONCE, opened_10x, spooled_mtx
from napari_trsmi.data.stored import is_lazy
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

_SCALING = "protein_scaling_factor"
MTX_ENDINGS = ("matrix.mtx", "matrix.mtx.gz")


def read_10x(path: Path, notes: list[str], *, stays: bool = True) -> AnnData:
    """Read a 10x ``.h5`` with all its feature types; one that does not fit stays on the disk.

    Parameters
    ----------
    path
        The file.
    notes
        Gets a sentence if it does not fit the memory.
    stays
        Whether the file is there for long.

    Raises
    ------
    InputError
        When the file lacks a part of the format.
    """
    import h5py
    import scanpy

    with h5py.File(path) as file:
        wanted = ("barcodes", "data", "indices", "indptr", "shape", "features")
        current = "matrix" in file
        missing = [name for name in wanted if current and name not in file["matrix"]]
    if missing:
        raise InputError(
            f"{path} is not a whole 10x matrix: it lacks {', '.join(missing)}. Copy it again from "
            "the pipeline's output."
        )
    size = check_hdf5(path, whole=False)
    if current and stays and read_in_parts(size, path.name, notes):
        table = opened_10x(path)
    else:  # of before Cell Ranger 3 there are none that are large
        check_room(size, path.name)
        table = scanpy.read_10x_h5(path, gex_only=False)
    return _with_intensities(table, path)


def _with_intensities(table: AnnData, path: Path) -> AnnData:
    """Undo the factor by which Xenium's intensities of proteins are kept as whole numbers."""
    import h5py

    with h5py.File(path) as file:
        factor = float(np.ravel(file.attrs.get(_SCALING, 1.0))[0])
    if factor == 1 or "feature_types" not in table.var:
        return table
    if not np.isfinite(factor) or factor <= 0:
        raise InputError(f"{path} says {_SCALING} is {factor}. Copy it again.")
    proteins = (table.var["feature_types"] == "Protein Expression").to_numpy()
    divisors = np.where(proteins, np.float32(factor), np.float32(1))
    if is_lazy(table.X):
        table.X = table.X.map_blocks(_divided, divisors, dtype=np.float32)
    else:
        table.X = _divided(table.X, divisors)
    return table


def _divided(counts: Any, divisors: NDArray[np.float32]) -> sp.csr_matrix[np.float32]:
    values: sp.csr_matrix[np.float32] = sp.csr_matrix(counts, dtype=np.float32)
    values.data /= divisors[values.indices]
    return values


def is_10x(groups: list[str], path: Path) -> bool:
    """Tell 10x's HDF5 by its groups: ``matrix``, or before Cell Ranger 3 one for each genome."""
    import h5py

    if "matrix" in groups:
        return True
    with h5py.File(path) as file:
        return any(
            isinstance(file[group], h5py.Group) and {"barcodes", "gene_names"} <= set(file[group])
            for group in groups
        )


def matrix_in(folder: Path) -> Path | None:
    """Return the Matrix Market file of a folder such as ``filtered_feature_bc_matrix``."""
    return next((folder / name for name in MTX_ENDINGS if (folder / name).is_file()), None)


def read_mtx(path: Path, notes: list[str]) -> AnnData:
    """Read a Matrix Market file with the barcodes and features beside it.

    A large one, which cannot be read by rows, is copied to a temporary file that can.

    Parameters
    ----------
    path
        ``matrix.mtx`` or ``.gz``; what stands before the name, such as a sample's, stands before
        the others' too.
    notes
        Gets a sentence if it does not fit the memory.

    Raises
    ------
    InputError
        When one of the others is missing, or they do not fit each other.
    """
    prefix = path.name.removesuffix(".gz").removesuffix("matrix.mtx")
    barcodes = _lines(path, f"{prefix}barcodes.tsv")
    features = _lines(path, f"{prefix}features.tsv", f"{prefix}genes.tsv")
    shape, entries, header = _claimed(path)
    if shape != (len(features), len(barcodes)):
        raise InputError(
            f"{path} claims {shape[0]:,} features x {shape[1]:,} spots, but beside it are "
            f"{len(features):,} features and {len(barcodes):,} barcodes. Copy the folder again."
        )
    if read_in_parts(8 * entries, path.name, notes):
        counts = spooled_mtx(_parts(path, shape, entries, header), shape, path)
    else:
        check_room(24 * entries, f"The matrix {path.name}")
        counts = _entries(path, shape, entries, header)
    names = features[1] if features.shape[1] > 1 else features[0]
    var = pd.DataFrame({"gene_ids": features[0].to_numpy()}, index=names.to_numpy())
    if features.shape[1] > 2:
        var["feature_types"] = features[2].to_numpy()
    return AnnData(X=counts, obs=pd.DataFrame(index=barcodes[0].to_numpy()), var=var)


def _entries(
    path: Path, shape: tuple[int, int], n_entries: int, header: int
) -> sp.csr_matrix[np.float32]:
    """Read the entries as spots x features."""
    found = pd.concat(_parts(path, shape, n_entries, header))
    places = (found["column"].to_numpy() - 1, found["row"].to_numpy() - 1)
    entries = (found["value"].to_numpy(), places)
    counts: sp.csr_matrix[np.float32] = sp.coo_matrix(entries, shape=shape[::-1]).tocsr()
    return counts


def _parts(
    path: Path, shape: tuple[int, int], n_entries: int, header: int
) -> Iterator[pd.DataFrame]:
    """Read the entries some at a time, and check them.

    scipy's own reader ends the process on some damaged files.
    """
    types = {"row": np.int64, "column": np.int64, "value": np.float32}
    reader = pd.read_csv(
        path,
        sep=r"\s+",
        skiprows=header,
        names=list(types),
        dtype=types,
        chunksize=AT_ONCE,
    )
    found = inside = 0
    with reader:
        for part in reader:
            rows, columns = part["row"], part["column"]
            fits = (rows >= 1) & (rows <= shape[0]) & (columns >= 1) & (columns <= shape[1])
            found, inside = found + len(part), inside + int(fits.sum())
            yield part[fits]
    if found != n_entries or inside != n_entries:
        raise InputError(
            f"{path} is damaged: it claims {n_entries:,} entries and has {inside:,} within its "
            "size. Copy it again."
        )


def _lines(matrix: Path, *names: str) -> pd.DataFrame:
    for name in names:
        for path in (matrix.with_name(name), matrix.with_name(f"{name}.gz")):
            if path.is_file():
                return pd.read_csv(path, sep="\t", header=None, dtype=str, keep_default_na=False)
    raise InputError(f"{matrix} needs {' or '.join(names)} beside it. Copy the whole folder.")


def _claimed(path: Path) -> tuple[tuple[int, int], int, int]:
    """Return the shape, the number of entries, and the lines before the first one."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        kind = file.readline().lower().split()
        if kind[:1] != ["%%matrixmarket"] or "coordinate" not in kind or kind[-1] != "general":
            raise InputError(
                f"{path} is no matrix of counts: its first line is to be '%%MatrixMarket matrix "
                "coordinate integer general'. Copy it again."
            )
        for number, line in enumerate(file, start=2):
            if not line.startswith("%") and line.strip():
                rows, columns, entries = map(int, line.split()[:3])
                return (rows, columns), entries, number
    raise InputError(f"{path} has no sizes in its header. Copy it again.")
