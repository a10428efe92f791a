"""Spots beside the tissue: Space Ranger's raw matrices and CELLxGENE's tables hold them too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.data.selection import how_to
from napari_trsmi.data.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from napari_trsmi.data.parts import Source

COLUMN = "in_tissue"
"""Where Space Ranger says whether tissue lies on a spot, 1 or 0."""

_NO = {"0", "0.0", "false"}


def off_tissue(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the rows whose ``in_tissue`` is 0, whatever it is written as; none without the column.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    if COLUMN not in frame:
        return np.zeros(len(frame), dtype=bool)
    return frame[COLUMN].astype(str).str.strip().str.lower().isin(_NO).to_numpy(dtype=bool)


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
    off = off_tissue(source.table.obs)
    if not off.any():
        return source
    number = f"{counted(int(off.sum()), 'spot')} of {len(off):,} of table {source.label}"
    if off.all():
        notes.append(f"{COLUMN} of table {source.label} is 0 for all spots: it is not used.")
    elif keep:
        notes.append(f"{number} lie off the tissue ({COLUMN} is 0); they are kept, as asked.")
    else:
        notes.append(
            f"{number} lie off the tissue ({COLUMN} is 0) and are left out. To keep them, pass "
            f"{how_to('keep', 'off_tissue')}."
        )
        return replace(source, table=source.table[~off])
    return source
