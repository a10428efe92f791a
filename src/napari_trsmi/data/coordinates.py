"""Where the spots are: found in the tables or given beside them, checked, agreed on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.data.checks import check_names
from napari_trsmi.data.reading.delimited import find_xy, positions_from_frame, read_frame
from napari_trsmi.data.reading.guard import guarded
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.parts import Source

_KEYS = ("spatial", "X_spatial")
_TOLERANCE = 1e-4
"""Tables may differ by this share of the section's extent: rounding, not another place."""


def given_positions(positions: object, first: Source, notes: list[str]) -> pd.DataFrame:
    """Read the positions that the user passed beside the tables.

    Parameters
    ----------
    positions
        A path, a DataFrame, a mapping of spot name to (x, y), or an array (n, 2) with one row for
        each spot of the first table.
    first
        The first table.
    notes
        Gets a sentence that says which columns were picked.

    Returns
    -------
    DataFrame
        Columns ``x`` and ``y``, float64, indexed by unique spot names.

    Raises
    ------
    InputError
        When it holds no coordinates.
    """
    if isinstance(positions, (str, Path)):
        path = Path(positions).expanduser()
        label = path.name
        with guarded(path):
            positions = read_frame(path)
    else:
        label = "positions"
    if isinstance(positions, pd.DataFrame):
        found = positions_from_frame(positions, label)
        notes.append(f"Coordinates x, y are the columns {' and '.join(found.columns)} of {label}.")
        frame = found.frame
    elif isinstance(positions, Mapping):
        frame = _frame(list(positions.values()), pd.Index(map(str, positions)), label)
    else:
        frame = _frame(positions, first.table.obs_names, label)
        notes.append(f"Row i of the positions is taken as spot i of table {first.label}.")
    check_names(frame.index, label)
    return frame


def coordinates(
    sources: Sequence[Source], positions: pd.DataFrame | None, spots: pd.Index, notes: list[str]
) -> NDArray[np.float64]:
    """Return the coordinates of `spots`.

    Parameters
    ----------
    sources
        The tables, all of which have `spots`.
    positions
        Given coordinates; they win over those of the tables.
    spots
        Names of the spots.
    notes
        Gets a sentence when something was chosen.

    Returns
    -------
    ndarray of float64, shape (n_spots, 2)
        Columns x and y.

    Raises
    ------
    InputError
        When there are none, they are not two finite numbers a spot, they disagree between tables,
        or all spots lie at one place.
    """
    if positions is not None:
        replaced = [source.label for source in sources if _key(source) is not None]
        if replaced:
            notes.append(f"The positions given replace those of table {listed(replaced)}.")
        found = {"the positions": positions.loc[spots].to_numpy()}
    else:
        found = _from_obsm(sources, spots) or _from_columns(sources, spots, notes)
    if not found:
        raise InputError(
            f"Table {sources[0].label} has no coordinates, nor has any other. Pass positions= (a "
            "CSV with spot, x, y), or put them into obsm['spatial'] of a table."
        )
    for label, xy in found.items():
        _check_finite(xy, spots, label)
    _check_agreement(found, spots)
    label, chosen = next(iter(found.items()))
    if np.all(chosen == chosen[0]):
        raise InputError(
            f"All {len(spots):,} spots of {label} lie at one place ({chosen[0, 0]:g}, "
            f"{chosen[0, 1]:g}). Pass their coordinates with positions=."
        )
    return chosen


def _frame(values: object, names: pd.Index, label: str) -> pd.DataFrame:
    xy = _as_xy(values, label)
    if len(xy) != len(names):
        raise InputError(
            f"{label} has {len(xy):,} rows, but the first table {len(names):,} spots. Pass one row "
            "a spot, or a table with the spots' names."
        )
    return pd.DataFrame(xy, index=names.astype(str), columns=["x", "y"])


def _key(source: Source) -> str | None:
    return next((key for key in _KEYS if key in source.table.obsm), None)


def _from_obsm(sources: Sequence[Source], spots: pd.Index) -> dict[str, NDArray[np.float64]]:
    found = {}
    for source in sources:
        key = _key(source)
        if key is not None:
            values = source.table.obsm[key]
            if isinstance(values, pd.DataFrame) and (picked := find_xy(values.columns)):
                values = values[list(picked)]
            xy = _as_xy(values, f"obsm[{key!r}] of table {source.label}")
            found[f"table {source.label}"] = xy[source.table.obs_names.get_indexer(spots)]
    return found


def _as_xy(values: object, label: str) -> NDArray[np.float64]:
    try:
        array: NDArray[Any] = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{label} does not hold numbers. Pass x and y for each spot.") from error
    if array.ndim == 2 and array.shape[1] == 2:
        return array
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        raise InputError(
            f"{label} is one-dimensional (shape {array.shape}). Pass two columns, x and y."
        )
    raise InputError(
        f"{label} has shape {array.shape}. Pass two columns, x and y: of three-dimensional "
        "coordinates take one section and values[:, :2]."
    )


def _from_columns(
    sources: Sequence[Source], spots: pd.Index, notes: list[str]
) -> dict[str, NDArray[np.float64]]:
    """Last resort: columns of the spots' annotations."""
    for source in sources:
        table = source.table
        picked = find_xy(table.obs.columns)
        if picked is not None:
            x, y = picked
            notes.append(f"Coordinates are the obs columns {x} and {y} of table {source.label}.")
            label = f"obs[['{x}', '{y}']] of table {source.label}"
            return {f"table {source.label}": _as_xy(table.obs.loc[spots, [x, y]], label)}
    return {}


def _check_finite(xy: NDArray[np.float64], spots: pd.Index, label: str) -> None:
    bad = ~np.isfinite(xy).all(axis=1)
    if bad.any():
        first, number = int(np.flatnonzero(bad)[0]), counted(int(bad.sum()), "spot")
        raise InputError(
            f"The coordinates of {number} of {label} are not finite, first "
            f"{spots[first]!r} at ({xy[first, 0]:g}, {xy[first, 1]:g}). Give them a position or "
            "remove them."
        )


def _check_agreement(found: Mapping[str, NDArray[np.float64]], spots: pd.Index) -> None:
    (first, reference), *others = found.items()
    extent = float(np.ptp(reference, axis=0).max())
    for label, xy in others:
        apart = np.abs(xy - reference).max(axis=1) > _TOLERANCE * extent
        if apart.any():
            spot = int(np.flatnonzero(apart)[0])
            number = counted(int(apart.sum()), "spot")
            here, there = (f"({p[0]:g}, {p[1]:g})" for p in (reference[spot], xy[spot]))
            raise InputError(
                f"The coordinates of {number} differ between {first} and {label}, first "
                f"{spots[spot]!r}: {here} and {there}. Pass the right ones with positions=."
            )
