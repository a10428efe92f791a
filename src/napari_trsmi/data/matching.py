"""Spots are matched by name, never by position."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError, TRSMIWarning

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

FEW_SHARED = 0.5
"""Share of the smaller table below which the user is warned."""


def shared_spots(tables: Mapping[str, pd.Index], notes: list[str]) -> pd.Index:
    """Return the spots that all tables have, in the order of the first.

    Parameters
    ----------
    tables
        Unique spot names by the table's label.
    notes
        Gets one sentence with the numbers, when there is more than one table.

    Raises
    ------
    InputError
        When no spot is in all tables; shows how each table names its spots.

    Warns
    -----
    TRSMIWarning
        When less than half of the smallest table is shared.
    """
    indices = list(tables.values())
    shared = indices[0]
    for other in indices[1:]:
        shared = shared[shared.isin(other)]
    if len(indices) == 1:
        return shared
    if not len(shared):
        raise InputError(_nothing_shared(tables))
    first, *_ = tables
    if all(len(index) == len(shared) for index in indices):
        notes.append(f"All {len(shared):,} spots are in {listed(list(tables))}, matched by name.")
        return shared
    counts = listed([f"{label} ({len(index):,})" for label, index in tables.items()])
    notes.append(
        f"{len(shared):,} spots are shared by {counts}, matched by name; they are used in the "
        f"order of {first}."
    )
    smallest = min(tables, key=lambda label: len(tables[label]))
    if len(shared) < FEW_SHARED * len(tables[smallest]):
        warnings.warn(
            f"Only {len(shared):,} of the {len(tables[smallest]):,} spots of {smallest} are in all "
            "tables. Check that the tables belong to one section and name their spots alike.",
            TRSMIWarning,
            stacklevel=3,  # load's caller
        )
    return shared


def _nothing_shared(tables: Mapping[str, pd.Index]) -> str:
    names = listed([f"{label} has {index[0]!r}" for label, index in tables.items()])
    return (
        f"The tables share no spot names: {names}. "
        f"{_remedy(list(tables.values())) or 'Rename the spots so that they agree.'}"
    )


def _remedy(indices: list[pd.Index]) -> str | None:
    """Say which ending or beginning stands in the way, if taking it off would match."""
    for pattern, what in ((r"-\d+$", "the ending"), (r"^[A-Za-z0-9]+[-_:#]", "the beginning")):
        bare = [index.str.replace(pattern, "", regex=True) for index in indices]
        common = set(bare[0]).intersection(*bare[1:])
        if not common:
            continue
        extra = next(
            match.group()
            for index in indices
            for name in index
            if (match := re.search(pattern, name))
        )
        return (
            f"{counted(len(common), 'name')} would match without {what} {extra!r}: if they are the "
            f"same spots, take it off with table.obs_names = table.obs_names.str.replace("
            f"{pattern!r}, '', regex=True)."
        )
    return None
