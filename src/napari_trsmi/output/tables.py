"""A table as ``.h5ad``, whole or not at all."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING

from napari_trsmi.atomic import partial_beside, write_bytes
from napari_trsmi.errors import OutputError
from napari_trsmi.scverse.places import KEY, SPATIAL, Places

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pandas as pd
    from anndata import AnnData


def write_table(table: AnnData, path: Path) -> None:
    """Write an AnnData as ``.h5ad``, whole or not at all.

    Parameters
    ----------
    table
        What to write; columns of ``obs`` that the format cannot hold, such as dates, become text.
    path
        The file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    import h5py
    from anndata.io import write_elem

    stored = table.copy()
    stored.obs = storable(table.obs)
    # HDF5 does not survive a full disk (closing the file fails too), so the disk gets bytes.
    buffer = BytesIO()
    try:
        with h5py.File(buffer, "w") as file:
            write_elem(file, "/", stored)
    except Exception as error:  # anndata raises anything on a table that it cannot store
        raise OutputError(
            f"Cannot store {path.name}: {error}. Rename or remove that part of the table."
        ) from error
    write_bytes(path, buffer.getbuffer())


def write_tables(tables: dict[str, AnnData], path: Path) -> None:
    """Write tables as one ``.h5mu``, whole or not at all.

    Parameters
    ----------
    tables
        By modality, with the same spots. What a run wrote into the first is written for all
        together, too.
    path
        The file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    from mudata import MuData, write_h5mu

    first = next(iter(tables.values()))
    partial = partial_beside(path)
    try:
        with warnings.catch_warnings(), _columns_stay():
            warnings.simplefilter("ignore")
            stored = MuData({name: table.copy() for name, table in tables.items()})
            for table in stored.mod.values():
                table.obs = storable(table.obs)
            own = [str(column) for column in first.obs if Places().owns(column)]
            stored.obs = stored.obs.join(first.obs[own])
            for name in (Places().embedding, SPATIAL):
                stored.obsm[name] = first.obsm[name]
            for name in (KEY, Places().colors):
                stored.uns[name] = first.uns[name]
            write_h5mu(partial, stored)
        partial.replace(path.resolve())
    except Exception as error:  # anndata raises anything on a table that it cannot store
        raise OutputError(
            f"Cannot write {path}: {error}. Make room, or rename or remove what cannot be stored; "
            "what was there is unchanged."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _columns_stay() -> AbstractContextManager[object]:
    """Keep mudata from copying columns of the tables to those of all, whatever its version."""
    import mudata

    if hasattr(mudata, "settings"):  # from 0.4 on
        kept: AbstractContextManager[object] = mudata.settings.override(pull_on_update=False)
    else:
        kept = mudata.set_options(pull_on_update=False)
    return kept


def storable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return annotations as files can hold them: what is no number or truth value becomes text."""
    return frame.apply(_storable).rename_axis(None) if len(frame.columns) else frame


def _storable(column: pd.Series) -> pd.Series:
    """Return a column as ``.h5ad`` can hold it: numbers, truth values, or text."""
    from pandas import CategoricalDtype
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    is_categorical = isinstance(column.dtype, CategoricalDtype)
    values = column.cat.categories if is_categorical else column
    is_plain = is_numeric_dtype(values) or is_bool_dtype(values)
    if values.dtype != object and is_plain and not is_complex_dtype(values):
        return column
    if is_categorical and values.map(lambda value: isinstance(value, str)).all():
        return column
    text = column.astype(object).map(str, na_action="ignore")
    return text.astype("category") if is_categorical or text.isna().any() else text
