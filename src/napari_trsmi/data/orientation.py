"""Tables that lie on their side, features x spots, as R and GEO keep them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anndata import AnnData

from napari_trsmi.data.layers import named_layers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from napari_trsmi.data.parts import Source

_BARCODE = r"^[ACGTN]{8,}(?:[-_.]\w+)*$"
_MOSTLY = 0.5


def upright(
    sources: Sequence[Source], positions: pd.DataFrame | None, notes: list[str]
) -> list[Source]:
    """Turn the tables whose columns are the spots.

    Parameters
    ----------
    sources
        Tables; they are not changed.
    positions
        Indexed by spot, if they are known.
    notes
        Gets a sentence for each table that is turned.

    Returns
    -------
    Tables of spots x features. One is turned if the other tables or the positions name its columns
    as spots and not its rows; without such, if its columns are barcodes and its rows are not.
    """
    return [
        _turned(source, notes) if _lies_on_its_side(source, sources, positions) else source
        for source in sources
    ]


def _lies_on_its_side(
    source: Source, sources: Sequence[Source], positions: pd.DataFrame | None
) -> bool:
    rows, columns = source.table.obs_names, source.table.var_names
    if not len(columns) or "spatial" in source.table.obsm:
        return False
    known = [other.table.obs_names for other in sources if other is not source]
    known += [] if positions is None else [positions.index]
    if any(rows.isin(index).any() for index in known):
        return False
    if any(columns.isin(index).mean() > _MOSTLY for index in known):
        return True
    on_top, at_the_side = (float(i.str.match(_BARCODE).mean()) for i in (columns, rows))
    return on_top > _MOSTLY > at_the_side


def _turned(source: Source, notes: list[str]) -> Source:
    table = source.table
    notes.append(
        f"Table {source.label} has features in its rows and spots in its columns "
        f"({table.n_obs:,} x {table.n_vars:,}): it is turned."
    )
    upright_layers = {key: value.T for key, value in named_layers(table).items()}
    values = None if table.X is None else table.X.T
    turned = AnnData(X=values, obs=table.var, var=table.obs, layers=upright_layers)
    return replace(source, table=turned)
