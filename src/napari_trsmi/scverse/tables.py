"""The tables in what scverse people pass around: AnnData, MuData, SpatialData."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def tables_of(data: Any, spots: pd.Index | None = None) -> dict[str, Any]:
    """Return the AnnData and MuData that a run on `spots` is written into.

    Parameters
    ----------
    data
        AnnData, MuData, SpatialData, or a dict of name to AnnData.
    spots
        Names of the run's spots: tables of a SpatialData that have none of them are left alone.
        None takes all tables.

    Returns
    -------
    The objects themselves, by what messages call them.

    Raises
    ------
    InputError
        If it is something else, or a SpatialData has no such table.
    """
    from anndata import AnnData

    if isinstance(data, AnnData):
        return {"the table": data}
    if isinstance(data, Mapping) and all(isinstance(table, AnnData) for table in data.values()):
        return {f"table {name!r}": table for name, table in data.items()}
    if isinstance(getattr(data, "mod", None), Mapping):  # a table of pandas has a method mod
        return {"the MuData": data, **{f"modality {name!r}": m for name, m in data.mod.items()}}
    if hasattr(data, "tables") and hasattr(data, "shapes"):
        found = {
            f"table {name!r}": table
            for name, table in data.tables.items()
            if spots is None or table.obs_names.isin(spots).any()
        }
        if not found:
            raise InputError("The SpatialData has no table with spots of the run.")
        return found
    raise InputError(
        f"A run cannot be written into a {type(data).__name__}. Pass an AnnData, a MuData, a "
        "SpatialData or a dict of name to AnnData; of files use napari_trsmi.integrate and "
        "write_result."
    )


def copy_of(data: Any) -> Any:
    """Return a copy that a run can be written into; images of a SpatialData are shared."""
    if isinstance(data, Mapping):
        return {name: table.copy() for name, table in data.items()}
    if hasattr(data, "tables") and hasattr(data, "shapes"):
        kinds = ("images", "labels", "points", "shapes")
        shared = {kind: dict(getattr(data, kind)) for kind in kinds}
        tables = {name: table.copy() for name, table in data.tables.items()}
        return type(data)(**shared, tables=tables, attrs=dict(data.attrs))
    return data.copy()
