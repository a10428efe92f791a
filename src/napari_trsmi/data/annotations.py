"""The tables' own spot annotations, kept for scoring and never trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping


def merge_annotations(
    tables: Mapping[str, pd.DataFrame], spots: pd.Index, notes: list[str]
) -> pd.DataFrame:
    """Merge the tables' columns on `spots`; the first table wins.

    Parameters
    ----------
    tables
        Spot annotations by the modality's name, each indexed by spot names that contain `spots`.
    spots
        The rows of the result.
    notes
        Gets a sentence for each column that is called otherwise here.

    Returns
    -------
    DataFrame
        A column that repeats an earlier one is left out; one that has the same name and other
        values gets ``_<modality>`` at its end, and one whose name ``.h5ad`` keeps for itself gets
        another one: a result must not be lost when it is written.
    """
    merged: dict[str, pd.Series] = {}
    for modality, table in tables.items():
        for column, values in table.loc[spots].items():
            name = _allowed(str(column))
            if name != str(column):
                notes.append(
                    f"Column {str(column)!r} of the annotations is called {name!r}: results cannot "
                    "be written with that name."
                )
            if name in merged and _same(merged[name], values):
                continue
            while name in merged:
                name = f"{name}_{modality}"
            merged[name] = _without_unused(values)
    return pd.DataFrame(merged, index=spots)


def _allowed(name: str) -> str:
    """Return a name that HDF5 can keep beside the spots' names, which are its ``_index``."""
    plain = name.replace("/", "_").replace("\0", "").strip()
    return {"_index": "index", "": "column", ".": "column"}.get(plain, plain)


def _same(left: pd.Series, right: pd.Series) -> bool:
    # One table may hold labels as numbers and another as categories of text.
    return bool(left.astype("string").equals(right.astype("string")))


def _without_unused(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.remove_unused_categories()
    return values
