"""Tables on different spots of one section, brought to the spots of one of them by position."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData
from scipy.spatial import cKDTree

from napari_trsmi.data.coordinates import coordinates
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.parts import Source

_FINER = 0.75
"""Of the pitch of the spots asked for: what lies closer together is put together."""
_REACH = 0.71
"""Of the wider pitch: half the diagonal of a square, the farthest that a spot reaches."""
_LEAST = 0.5
"""Share of the spots asked for that must have something: else the tables lie elsewhere."""


def at_spots_of(sources: Sequence[Source], name: str, notes: list[str]) -> list[Source]:
    """Bring all tables to the spots of one.

    Spots that lie closer together than those asked for are put together: each goes to the nearest
    spot, no farther than it reaches, counts are added and other values averaged. Of a table with
    wider spots each spot takes the values of the nearest.

    Parameters
    ----------
    sources
        Tables of one section with coordinates in one system.
    name
        Of the table whose spots are wanted, as the user named it.
    notes
        Gets a sentence a table that says what was done.

    Raises
    ------
    InputError
        If there is no such table, or tables have no coordinates or lie elsewhere.
    """
    target = next((source for source in sources if source.key == name), None)
    if target is None:
        known = listed([repr(source.key or source.label) for source in sources])
        raise InputError(
            f"at_spots_of= names table {name!r}, and there are {known}. Name tables in a dict, "
            "{'rna': ..., 'protein': ...}, and one of them here."
        )
    spots, places = _placed(target)
    pitch = spot_pitch(places) or 1.0
    found = []
    for source in sources:
        if source is target:
            found.append(source)
            continue
        theirs, xy = _placed(source)
        own = spot_pitch(xy) or pitch
        reach = _REACH * max(own, pitch)
        if own < _FINER * pitch:
            distance, nearest = _nearest(places, xy)
            here, there = nearest[distance <= reach], np.flatnonzero(distance <= reach)
            said = f"{len(there):,} of {len(xy):,} spots of table {source.label} put together in"
        else:
            distance, nearest = _nearest(xy, places)
            here, there = np.flatnonzero(distance <= reach), nearest[distance <= reach]
            said = f"values of the nearest spot of table {source.label} taken for"
        filled = np.unique(here)
        if len(filled) < _LEAST * len(spots):
            raise InputError(_elsewhere(source, xy, target, places, len(filled)))
        rows = source.table.obs_names.get_indexer(theirs)[there]
        table = _gathered(source.table, rows, np.searchsorted(filled, here), spots[filled])
        notes.append(
            f"By position, no farther than {reach:.3g}: {said} {counted(len(filled), 'spot')} of "
            f"the {len(spots):,} of table {target.label}."
        )
        found.append(replace(source, table=table, spot_diameter=None, image=None, is_square=False))
    return found


def _placed(source: Source) -> tuple[pd.Index, NDArray[np.float64]]:
    if not source.table.obs_names.is_unique:
        raise InputError(
            f"Table {source.label} names spots twice. Call obs_names_make_unique() first."
        )
    return coordinates([source], None, source.table.obs_names, [])


def _nearest(
    places: NDArray[np.float64], xy: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How far the nearest place is from each point, and which it is."""
    distance, nearest = cKDTree(places).query(xy)
    return np.asarray(distance, dtype=np.float64), np.asarray(nearest, dtype=np.int64)


def _gathered(
    table: AnnData, rows: NDArray[np.integer], groups: NDArray[np.integer], spots: pd.Index
) -> AnnData:
    """Rows of a table by the spot that they go to: counts added, other values averaged."""
    ones = np.ones(len(rows), dtype=np.float32)
    adding = sp.csr_matrix((ones, (groups, rows)), shape=(len(spots), table.n_obs))
    sizes = np.asarray(adding.sum(axis=1)).ravel()
    averaging = sp.csr_matrix(sp.diags(1 / sizes) @ adding)

    def gathered(values: Any) -> Any:
        if isinstance(values, pd.DataFrame):
            found = averaging @ values.to_numpy(dtype=np.float32)
            return pd.DataFrame(found, spots, values.columns)
        return (adding if _are_counts(values) else averaging) @ values

    other = AnnData(
        X=None if table.X is None else gathered(table.X),
        obs=pd.DataFrame(index=spots),
        var=table.var,
        obsm={key: gathered(values) for key, values in table.obsm.items() if not _is_place(key)},
        layers={key: gathered(values) for key, values in table.layers.items()},
    )
    if table.raw is not None:
        other.raw = AnnData(X=gathered(table.raw.X), obs=other.obs[[]], var=table.raw.var)
    return other


def _is_place(key: str) -> bool:
    return "spatial" in key.lower()


def _are_counts(values: Any) -> bool:
    data: NDArray[Any] = values.data if hasattr(values, "tocsr") else np.asarray(values)
    return bool((data >= 0).all() and (data == np.round(data)).all())


def _elsewhere(
    source: Source,
    xy: NDArray[np.float64],
    target: Source,
    places: NDArray[np.float64],
    filled: int,
) -> str:
    def extent(points: NDArray[np.float64]) -> str:
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return f"x {left:.4g} to {right:.4g}, y {top:.4g} to {bottom:.4g}"

    return (
        f"Only {filled:,} of the {len(places):,} spots of table {target.label} "
        f"({extent(places)}) have a spot of table {source.label} ({extent(xy)}) near. Bring both "
        "into one coordinate system first."
    )
