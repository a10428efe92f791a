"""Spots are matched by name, never by position."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_trsmi.data.layers import named_layers
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError, TRSMIWarning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from anndata import AnnData

    from napari_trsmi.data.parts import Source

WELL = r"-\d+$"

_CHANCE = 0.1
"""Share of names that agree by chance."""

_MANY = 100
"""Of fewer spots the share says little."""

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
    smallest = min(tables, key=lambda label: len(tables[label]))
    if len(tables[smallest]) >= _MANY and len(shared) < _CHANCE * len(tables[smallest]):
        raise InputError(
            f"Only {len(shared):,} of the {len(tables[smallest]):,} spots of {smallest} are in all "
            "tables, as barcodes of two sections agree by chance. Pass tables of one section; if "
            "they are, leave the spots that only one of them has out first."
        )
    first, *_ = tables
    if all(len(index) == len(shared) for index in indices):
        notes.append(f"All {len(shared):,} spots are in {listed(list(tables))}, matched by name.")
        return shared
    counts = listed([f"{label} ({len(index):,})" for label, index in tables.items()])
    notes.append(
        f"{len(shared):,} spots are shared by {counts}, matched by name; they are used in the "
        f"order of {first}."
    )
    if len(shared) < FEW_SHARED * len(tables[smallest]):
        warnings.warn(
            f"Only {len(shared):,} of the {len(tables[smallest]):,} spots of {smallest} are in all "
            "tables. Check that the tables belong to one section and name their spots alike.",
            TRSMIWarning,
            stacklevel=3,  # load's caller
        )
    return shared


def with_common_names(
    sources: Sequence[Source], positions: pd.DataFrame | None, notes: list[str]
) -> tuple[list[Source], pd.DataFrame | None]:
    """Take off endings such as ``-1`` where the spots agree without them only.

    10x's programs put the number of the well behind a barcode, and others take it off. Names are
    changed only if no spot is shared as it is, and none would repeat.

    Parameters
    ----------
    sources, positions
        Tables, and positions that are indexed by spot.
    notes
        Gets a sentence when names are changed.

    Returns
    -------
    The same, with names that agree.
    """
    indices = [source.table.obs_names for source in sources]
    indices += [] if positions is None else [positions.index]
    shared = set(indices[0]).intersection(*indices[1:])
    bare = [index.str.replace(WELL, "", regex=True) for index in indices]
    common = set(bare[0]).intersection(*bare[1:])
    if shared or not common or not all(index.is_unique for index in bare):
        return list(sources), positions
    notes.append(
        f"Names of {len(common):,} spots agree without the ending that a part of them has, such as "
        f"{_example(indices)!r}: it is taken off."
    )
    named = [
        replace(source, table=_renamed(source.table, names))
        for source, names in zip(sources, bare, strict=False)
    ]
    return named, None if positions is None else positions.set_axis(bare[-1])


def _renamed(table: AnnData, names: pd.Index) -> AnnData:
    """Return a copy with other spot names; the values are shared, not copied."""
    from anndata import AnnData

    other = AnnData(
        X=table.X,
        obs=table.obs.set_axis(names),
        var=table.var,
        obsm={key: _set_axis(value, names) for key, value in table.obsm.items()},
        layers=named_layers(table),
        uns=dict(table.uns),
    )
    if table.raw is not None:
        other.raw = AnnData(X=table.raw.X, obs=other.obs[[]], var=table.raw.var)
    return other


def _set_axis(value: Any, names: pd.Index) -> Any:
    return value.set_axis(names) if hasattr(value, "set_axis") else value


def _example(indices: Sequence[pd.Index]) -> str:
    return next(
        match.group() for index in indices for name in index if (match := re.search(WELL, name))
    )


def _nothing_shared(tables: Mapping[str, pd.Index]) -> str:
    names = listed([f"{label} has {index[0]!r}" for label, index in tables.items()])
    return (
        f"The tables share no spot names: {names}. "
        f"{_remedy(list(tables.values())) or 'Rename the spots so that they agree.'}"
    )


def _remedy(indices: list[pd.Index]) -> str | None:
    """Say which ending or beginning stands in the way, if taking it off would match."""
    if any(index.str.isdecimal().all() for index in indices) and len(set(map(len, indices))) == 1:
        return (
            "One of them has row numbers for names: give it the spots' names in a first column. If "
            "its rows are in the order of the first table, pass them in Python as an array, "
            "positions=frame[['x', 'y']].to_numpy()."
        )
    for pattern, what in ((WELL, "the ending"), (r"^[A-Za-z0-9]+[-_:#]", "the beginning")):
        bare = [index.str.replace(pattern, "", regex=True) for index in indices]
        common = set(bare[0]).intersection(*bare[1:])
        if len(common) < _CHANCE * min(map(len, bare)):
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
