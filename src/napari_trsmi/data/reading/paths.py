"""Paths: what a file or a folder holds is told from its content, not from its ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_trsmi.data.reading.delimited import is_delimited, read_matrix
from napari_trsmi.data.reading.guard import guarded
from napari_trsmi.data.reading.space_ranger import is_space_ranger, read_10x, read_space_ranger
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

READABLE = (
    ".h5ad, .h5mu, a 10x .h5, a Space Ranger folder, a SpatialData .zarr, or a CSV/TSV matrix"
)


def read_path(path: Path, notes: list[str]) -> object:
    """Read `path` into an AnnData, MuData, SpatialData, DataFrame or Source.

    Raises
    ------
    InputError
        When there is nothing at `path`, it is empty, or it is not what it should be.
    """
    with guarded(path):
        if path.is_dir():
            return _read_folder(path, notes)
        if is_delimited(path):
            return read_matrix(path)
        return _read_hdf5(path, notes)


def _read_folder(path: Path, notes: list[str]) -> object:
    if path.suffix == ".zarr" and (path / "obs").is_dir():
        from anndata.io import read_zarr

        return read_zarr(path)
    if path.suffix == ".zarr":
        from napari_trsmi.data.reading.spatial_data import read_store

        return read_store(path)
    for folder in (path, path / "outs"):  # the pipeline's own folder holds "outs"
        if is_space_ranger(folder):
            return read_space_ranger(folder, notes)
    raise InputError(
        f"{path} is not a Space Ranger folder: it has no 'spatial' folder beside a "
        f"'filtered_feature_bc_matrix.h5'. Pass the folder that holds both, or {READABLE}."
    )


def _read_hdf5(path: Path, notes: list[str]) -> object:
    import h5py

    if not h5py.is_hdf5(path):
        raise InputError(f"{path} is not an HDF5 file, or it is damaged. Pass {READABLE}.")
    with h5py.File(path) as file:
        groups = sorted(file)
    if "mod" in groups:
        from mudata import read_h5mu

        return read_h5mu(path)
    if "matrix" in groups:
        if is_space_ranger(path.parent):
            notes.append(f"{path.name} lies in a Space Ranger folder: its spot positions are used.")
            return read_space_ranger(path.parent, notes, matrix=path)
        return read_10x(path)
    if {"obs", "var"} <= set(groups):
        from anndata.io import read_h5ad

        return read_h5ad(path)
    holds = ", ".join(map(repr, groups[:5])) or "nothing"
    raise InputError(
        f"{path} is an HDF5 file, but holds {holds}: no AnnData, no MuData and no 10x matrix. "
        f"Pass {READABLE}."
    )
