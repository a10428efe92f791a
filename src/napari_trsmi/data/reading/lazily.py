"""Tables whose values stay on the disk: names, annotations and coordinates are read, no counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anndata import AnnData

from napari_trsmi.data.stored import CHUNK_ROWS, is_lazy

if TYPE_CHECKING:
    from pathlib import Path


def opened_h5ad(path: Path) -> AnnData:
    """Open an ``.h5ad``; ``X``, layers and ``raw`` are dask arrays of it."""
    import h5py

    with h5py.File(path) as file:
        return _opened(file)


def opened_zarr(folder: Path) -> AnnData:
    """Open a zarr folder of anndata; ``X``, layers and ``raw`` are dask arrays of it."""
    import zarr

    return _opened(zarr.open_group(folder, mode="r"))


def with_lazy_values(table: AnnData) -> AnnData:
    """A backed, lazy or dask-backed table with all but its values in memory; another as it is.

    Parameters
    ----------
    table
        The user's; it is not changed. The part of a backed table is read.
    """
    if table.isbacked and table.is_view:
        return table.to_memory()
    if not table.isbacked and not is_lazy(table.X):
        return table
    held = AnnData(
        X=_lazy(table.X),
        obs=_read(table.obs),
        var=_read(table.var),
        obsm={name: _read(block) for name, block in table.obsm.items()},
        layers={name: _lazy(layer) for name, layer in table.layers.items()},
        uns=_read(dict(table.uns)),
    )
    if table.raw is not None:
        held.raw = AnnData(_lazy(table.raw.X), obs=held.obs[[]], var=_read(table.raw.var))
    return held


def _opened(group: Any) -> AnnData:
    from anndata.io import read_elem

    table = AnnData(
        X=_lazy_group(group["X"]) if "X" in group else None,
        obs=read_elem(group["obs"]),
        var=read_elem(group["var"]),
        obsm=read_elem(group["obsm"]) if "obsm" in group else {},
        layers={name: _lazy_group(group["layers"][name]) for name in group.get("layers", {})},
        uns=read_elem(group["uns"]) if "uns" in group else {},
    )
    raw = group.get("raw")
    if hasattr(raw, "keys"):  # zarr stores write down that there is none
        table.raw = AnnData(_lazy_group(raw["X"]), obs=table.obs[[]], var=read_elem(raw["var"]))
    return table


def _lazy(values: Any) -> Any:
    """Values that lie in a file as a dask array; those in memory as they are."""
    if is_lazy(values):
        return values
    if hasattr(values, "group"):  # a sparse matrix of a backed table
        return _lazy_group(values.group)
    if hasattr(values, "id") or hasattr(values, "store"):  # HDF5's and zarr's arrays
        return _lazy_group(values)
    return values


def _lazy_group(group: Any) -> Any:
    from anndata.experimental import read_elem_lazy

    kind = group.attrs.get("encoding-type")
    if kind == "null":
        return None
    if kind == "csr_matrix":
        n_rows, n_columns = (int(side) for side in group.attrs["shape"])
        return read_elem_lazy(group, chunks=(min(CHUNK_ROWS, n_rows), n_columns))
    return read_elem_lazy(group)


def _read(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _read(value) for name, value in values.items()}
    if hasattr(values, "to_memory"):
        return values.to_memory()
    return values.compute() if is_lazy(values) else values
