"""Spots beside the tissue: Space Ranger's raw matrices and CELLxGENE's tables hold them too."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.data.selection import how_to
from napari_trsmi.data.wording import counted

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from napari_trsmi.data.parts import Source

COLUMN = "in_tissue"
"""Where Space Ranger says whether tissue lies on a spot, 1 or 0."""

_SPELLED = ("in_tissue", "on_tissue", "under_tissue", "is_tissue", "tissue")
"""How R, Seurat and others write it; the last is often something else, such as ``"brain"``."""

_NO = {"0", "0.0", "false", "f", "no", "n", "out", "off"}
_YES = {"1", "1.0", "true", "t", "yes", "y", "in", "on"}


def tissue_column(frame: pd.DataFrame) -> Hashable | None:
    """Return the column that says which spots lie on the tissue, however it is spelled."""
    plain = {_plain(column): column for column in reversed(frame.columns)}
    for name in _SPELLED:
        column = plain.get(_plain(name))
        if column is not None and (
            name != "tissue" or _words(frame[column]).isin(_NO | _YES).all()
        ):
            return column
    return None


def off_tissue(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the rows whose ``in_tissue`` is 0, whatever it is written as; none without the column.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    column = tissue_column(frame)
    if column is None:
        return np.zeros(len(frame), dtype=bool)
    return _words(frame[column]).isin(_NO).to_numpy(dtype=bool)


def _plain(column: object) -> str:
    return re.sub(r"[\s_.\-]+", "", str(column)).lower()


def _words(values: pd.Series) -> pd.Series:
    return values.astype(str).str.strip().str.lower()


def only_on_tissue(sources: Sequence[Source], notes: list[str], *, keep: bool) -> list[Source]:
    """Leave out the spots that lie beside the tissue.

    Parameters
    ----------
    sources
        Tables; they are not changed.
    notes
        Gets a sentence for each table that has such spots.
    keep
        Whether to keep them.

    Returns
    -------
    The tables without these spots.
    """
    return [_on_tissue(source, notes, keep=keep) for source in sources]


def _on_tissue(source: Source, notes: list[str], *, keep: bool) -> Source:
    obs = source.table.obs
    column = tissue_column(obs)
    if column is None:
        return source
    unclear = ~_words(obs[column]).isin(_NO | _YES)
    if unclear.any():
        some, those = str(obs[column][unclear].iloc[0]), counted(int(unclear.sum()), "spot")
        notes.append(
            f"{column} of table {source.label} is {some!r} for {those}, which says nothing: they "
            "are kept."
        )
    off = off_tissue(obs)
    if not off.any():
        return source
    number = f"{counted(int(off.sum()), 'spot')} of {len(off):,} of table {source.label}"
    what = str(obs[column][off].iloc[0]).removesuffix(".0")
    if off.all():
        notes.append(f"{column} of table {source.label} is {what} for all spots: it is not used.")
    elif keep:
        notes.append(f"{number} lie off the tissue ({column} is {what}); they are kept, as asked.")
    else:
        notes.append(
            f"{number} lie off the tissue ({column} is {what}) and are left out. To keep them, "
            f"pass {how_to('keep', 'off_tissue')}."
        )
        return replace(source, table=source.table[~off])
    return source
