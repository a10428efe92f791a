"""Domains written into the SpatialData store that their tables came from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_trsmi.atomic import clear_leftovers, plain_path, put_back
from napari_trsmi.errors import InputError, OutputError
from napari_trsmi.output.spatial_data import new_store
from napari_trsmi.scverse.places import KEY
from napari_trsmi.scverse.tables import tables_of

if TYPE_CHECKING:
    from napari_trsmi.result import TRSMIResult


def write_into_spatialdata(
    result: TRSMIResult, path: str | os.PathLike[str], *, key: str = KEY
) -> Path:
    """Write a run into the tables of a SpatialData store, whole or not at all.

    A second store is made beside the first and takes its place: what is not a table is linked and
    not copied, so that a large store costs little, and the first is there until the second is
    complete.

    Parameters
    ----------
    result
        The run.
    path
        The store, a folder. Tables that have spots of the run get it, as
        `TRSMIResult.write_to` says; images, shapes and other tables stay as they are.
    key
        What the run is called in the tables.

    Returns
    -------
    The path.

    Raises
    ------
    InputError
        If the store has no table with spots of the run.
    OutputError
        If it is no store, spatialdata is not installed, or it cannot be written; it is then
        unchanged.

    Warns
    -----
    TRSMIWarning
        If spots of a table took no part in the run.
    """
    target = plain_path(path)
    put_back(target)
    if not (target / "tables").is_dir():
        raise OutputError(
            f"{target} is no SpatialData store with tables. Choose the .zarr folder that was run."
        )
    target = target.resolve()  # a link stays a link
    clear_leftovers(target)
    with new_store(target) as partial:
        from spatialdata import read_zarr

        shutil.copytree(target, partial, copy_function=_link)
        store = read_zarr(partial, selection=("tables",))
        _write(result, store, key)
    return target


def _write(result: TRSMIResult, store: Any, key: str) -> None:
    changed = [id(table) for table in tables_of(store, result.domains.index).values()]
    names = [name for name, table in store.tables.items() if id(table) in changed]
    result.write_to(store, key=key)
    for name in names:
        table = store.tables[name]
        if "/" in name:
            raise InputError(f"The table {name!r} cannot be written. Rename it.")
        del store.tables[name]
        store.delete_element_from_disk(name)
        store.tables[name] = table
        store.write_element(name)


def _link(source: str, target: str) -> None:
    """Link what holds values, which is never written to, and copy what describes them."""
    if Path(source).name.startswith((".z", "z")):
        shutil.copy2(source, target)
        return
    try:
        os.link(source, target)
    except OSError:  # a disk without links
        shutil.copy2(source, target)
