"""Paths: what a file or a folder holds is told from its content, not from its ending."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zipfile import is_zipfile

from napari_trsmi.data.reading.compressed import unpacked
from napari_trsmi.data.reading.delimited import is_delimited, read_matrix
from napari_trsmi.data.reading.guard import guarded
from napari_trsmi.data.reading.hdf5 import check_hdf5
from napari_trsmi.data.reading.lazily import opened_h5ad, opened_zarr
from napari_trsmi.data.reading.memory import check_room, read_in_parts
from napari_trsmi.data.reading.platforms import XENIUM, platform_of, read_platform
from napari_trsmi.data.reading.space_ranger import is_space_ranger, read_space_ranger
from napari_trsmi.data.reading.stereo_seq import is_gem, read_gem
from napari_trsmi.data.reading.tenx import MTX_ENDINGS, is_10x, matrix_in, read_10x, read_mtx
from napari_trsmi.data.reading.visium_hd import (
    CELLS,
    chosen,
    outputs_of,
    with_centres_of_cells,
)
from napari_trsmi.data.reading.workbook import is_workbook
from napari_trsmi.data.reading.zarr_store import check_zarr
from napari_trsmi.data.selection import Selection
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_trsmi.data.parts import Source

READABLE = (
    ".h5ad, .h5mu, a 10x .h5 or matrix folder, a Space Ranger folder, the folder of another "
    "platform, a SpatialData .zarr, or a CSV/TSV matrix"
)


def read_path(
    path: Path, notes: list[str], selection: Selection | None = None, *, placed: bool = False
) -> object:
    """Read `path` into an AnnData, MuData, SpatialData, DataFrame or Source.

    Parameters
    ----------
    path
        A file or a folder.
    notes
        Gets a sentence for each thing that a reader decided.
    selection
        What is picked of it.
    placed
        Whether the user passes positions.

    Raises
    ------
    InputError
        When there is nothing at `path`, it is empty, or it is not what it should be.
    """
    from h5py import is_hdf5

    selection = selection or Selection()
    with guarded(path):
        if path.is_dir():
            return _read_folder(path, notes, selection, placed=placed)
        if path.name.endswith(MTX_ENDINGS):
            return read_mtx(path, notes)
        if is_gem(path):
            return read_gem(path, notes, selection)
        if (is_delimited(path) or is_workbook(path)) and not is_hdf5(path):
            return read_matrix(path)
        with unpacked(path) as whole:
            return _read_hdf5(whole, path, notes, selection, placed=placed)


def is_folder_of_tables(path: Path) -> bool:
    """Whether a folder that is no zarr store is one that can be read."""
    return any(
        is_space_ranger(folder)
        or bool(outputs_of(folder))
        or matrix_in(folder) is not None
        or platform_of(folder) is not None
        for folder in (path, path / "outs")
    )


def _read_folder(path: Path, notes: list[str], selection: Selection, *, placed: bool) -> object:
    if path.suffix == ".zarr" and (path / "obs").is_dir():
        from anndata.io import read_zarr

        size = check_zarr(path, whole=False)
        if read_in_parts(size, path.name, notes):
            return opened_zarr(path)
        return read_zarr(path)
    if path.suffix == ".zarr":
        from napari_trsmi.data.reading.spatial_data import read_store

        return read_store(path, notes)
    for folder in (path, path / "outs"):  # the pipeline's own folder holds "outs"
        outputs = outputs_of(folder)
        if outputs and not is_space_ranger(folder):
            picked = chosen(outputs, selection.bin_size, path.name, notes)
            return _read_output(picked, notes, selection, placed=placed)
        if is_space_ranger(folder):
            return _read_output(folder, notes, selection, placed=placed)
        platform = platform_of(folder)
        if platform is not None:
            return read_platform(folder, platform, notes, selection)
        matrix = matrix_in(folder)
        if matrix is not None and is_space_ranger(folder.parent):
            return read_space_ranger(
                folder.parent, notes, matrix=matrix, selection=selection, placed=placed
            )
        if matrix is not None:
            return read_mtx(matrix, notes)
    raise InputError(
        f"{path} is not a Space Ranger folder: it has no 'spatial' folder beside a "
        f"'filtered_feature_bc_matrix.h5', nor is it of another platform that is known. Pass the "
        f"folder that holds both, or {READABLE}."
    )


def _read_output(folder: Path, notes: list[str], selection: Selection, *, placed: bool) -> Source:
    cells = folder.name == outputs_of(folder.parent).get(CELLS, folder.parent).name
    source = read_space_ranger(folder, notes, selection=selection, placed=placed or cells)
    if cells and "spatial" not in source.table.obsm:
        size = with_centres_of_cells(source.table, folder)
        return replace(source, spot_diameter=size, is_square=False)
    return source


def _read_hdf5(
    path: Path, given: Path, notes: list[str], selection: Selection, *, placed: bool
) -> object:
    import h5py

    if is_zipfile(path):
        raise InputError(f"{given} is a zip archive. Unpack it, and pass what is in it.")
    if not h5py.is_hdf5(path):
        raise InputError(f"{given} is not an HDF5 file, or it is damaged. Pass {READABLE}.")
    with h5py.File(path) as file:
        groups = sorted(file)
    stays = path == given  # a packed one is not there for long
    if "mod" in groups or {"obs", "var"} <= set(groups):
        return _read_tables(path, groups, notes, stays=stays)
    if is_10x(groups, path):
        if is_space_ranger(given.parent):
            name = given.name
            notes.append(f"{name} lies in a Space Ranger folder: its spot positions are used.")
            return read_space_ranger(
                given.parent,
                notes,
                matrix=path,
                selection=selection,
                placed=placed,
                stays=stays,
            )
        if given.name.endswith("cell_feature_matrix.h5") and platform_of(given.parent) is XENIUM:
            notes.append(f"{given.name} lies in a folder of Xenium, which is read.")
            return read_platform(given.parent, XENIUM, notes, Selection())
        return read_10x(path, notes, stays=stays)
    if {"geneExp", "cellBin"} & set(groups):
        raise InputError(
            f"{given} is a .gef of Stereo-seq. Make a list of it that can be read, with "
            "'saw convert gef2gem', or an .h5ad with 'saw convert gef2h5ad'."
        )
    holds = ", ".join(map(repr, groups[:5])) or "nothing"
    raise InputError(
        f"{given} is an HDF5 file, but holds {holds}: no AnnData, no MuData and no 10x matrix. "
        f"Pass {READABLE}."
    )


def _read_tables(path: Path, groups: list[str], notes: list[str], *, stays: bool) -> object:
    """Read an AnnData or a MuData; what does not fit stays on the disk."""
    size = check_hdf5(path, whole=False)
    in_parts = stays and read_in_parts(size, path.name, notes)
    if not in_parts:
        check_room(size, path.name)
    if "mod" in groups:
        from mudata import read_h5mu

        return read_h5mu(path, backed="r" if in_parts else None)
    if in_parts:
        return opened_h5ad(path)
    from anndata.io import read_h5ad

    return read_h5ad(path)
