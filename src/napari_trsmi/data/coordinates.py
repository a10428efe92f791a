"""Where the spots are: found in the tables or given beside them, checked, agreed on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.data.checks import check_names
from napari_trsmi.data.on_tissue import COLUMN, off_tissue
from napari_trsmi.data.places import by_columns, by_names, in_obsm, micrometres_named
from napari_trsmi.data.reading.delimited import positions_from_frame, read_frame
from napari_trsmi.data.reading.guard import guarded
from napari_trsmi.data.selection import how_to
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.parts import Source

_TOLERANCE = 1e-4
"""Tables may differ by this share of the section's extent: rounding, not another place."""

_LARGEST = 1e12
"""No section is larger, in any unit; squares of distances must not overflow."""


def given_positions(
    positions: object, first: Source, notes: list[str], keep: Sequence[str] = ()
) -> pd.DataFrame:
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
    keep
        As of `napari_trsmi.data.selection.Selection`; spots off the tissue are left out otherwise.

    Returns
    -------
    DataFrame
        Columns ``x`` and ``y``, float64, indexed by unique spot names; ``attrs["micrometres"]`` has
        what a unit is, if the names of the columns say it.

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
        frame.attrs["micrometres"] = micrometres_named(found.columns)
        off = off_tissue(positions)
        if off.any() and not off.all() and "off_tissue" not in keep:
            frame = frame[~off]
            notes.append(
                f"{counted(int(off.sum()), 'spot')} of {len(off):,} in {label} lie off the tissue "
                f"({COLUMN} is 0) and are left out. To keep them, pass "
                f"{how_to('keep', 'off_tissue')}."
            )
    elif isinstance(positions, Mapping):
        frame = _frame(list(positions.values()), pd.Index(map(str, positions)), label)
    else:
        frame = _frame(positions, first.table.obs_names, label)
        notes.append(f"Row i of the positions is taken as spot i of table {first.label}.")
    check_names(frame.index, label)
    return frame


def coordinates(
    sources: Sequence[Source], positions: pd.DataFrame | None, spots: pd.Index, notes: list[str]
) -> tuple[pd.Index, NDArray[np.float64]]:
    """Return the spots that have a place, and their coordinates.

    Parameters
    ----------
    sources
        The tables, all of which have `spots`.
    positions
        Given coordinates; they win over those of the tables.
    spots
        Names of the spots.
    notes
        Gets a sentence when something was chosen or left out.

    Returns
    -------
    spots
        Those of `spots` whose coordinates are numbers.
    coordinates
        ``float64``, shape (n_spots, 2), columns x and y.

    Raises
    ------
    InputError
        When there are none, they are not two numbers a spot, they disagree between tables, or all
        spots lie at one place.
    """
    if positions is not None:
        replaced = [source.label for source in sources if _own(source) is not None]
        if replaced:
            notes.append(f"The positions given replace those of table {listed(replaced)}.")
        found = {"the positions": positions.loc[spots].to_numpy()}
    else:
        found = (
            _from_obsm(sources, spots, notes)
            or _from_columns(sources, spots, notes)
            or _from_names(sources, spots, notes)
        )
    if not found:
        raise InputError(
            f"Table {sources[0].label} has no coordinates, nor has any other. Pass positions= (a "
            "CSV with spot, x, y; window: drop it together with the table), or put them into "
            "obsm['spatial'] of a table."
        )
    _check_agreement(found, spots)
    label, chosen = _completed(found)
    placed: NDArray[np.bool_] = np.asarray(np.isfinite(chosen).all(axis=1))
    if not placed.any():
        raise InputError(
            f"No spot of {label} has a position: all are empty or infinite. Pass their "
            "coordinates with positions=."
        )
    if not placed.all():
        notes.append(
            f"{counted(int((~placed).sum()), 'spot')} of {len(spots):,} without a position in "
            f"{label} left out (first {spots[~placed][0]!r})."
        )
        spots, chosen = spots[placed], chosen[placed]
    _check_range(chosen, spots, label)
    return spots, chosen


def micrometres_of(sources: Sequence[Source]) -> float | None:
    """What a unit of the tables' own coordinates is, by their format or their columns' names."""
    said = next((s.micrometres for s in sources if s.micrometres is not None), None)
    for source in sources:
        key = _own(source)
        if key is not None:
            values = source.table.obsm[key]
            picked = by_columns(values.columns) if isinstance(values, pd.DataFrame) else None
            return (micrometres_named(picked) if picked else None) or said
    for source in sources:
        picked = by_columns(source.table.obs.columns)
        if picked is not None:
            return micrometres_named(picked) or said
    return said


def _completed(
    found: Mapping[str, NDArray[np.float64]],
) -> tuple[str, NDArray[np.float64]]:
    """Take the first table's places, and another's for a spot that has none in it."""
    label, *_ = found
    chosen = found[label].copy()
    for other in found.values():
        missing = ~np.isfinite(chosen).all(axis=1)
        chosen[missing] = other[missing]
    return label, chosen


def _check_range(xy: NDArray[np.float64], spots: pd.Index, label: str) -> None:
    far = np.abs(xy).max(axis=1) > _LARGEST
    if far.any():
        spot = int(np.flatnonzero(far)[0])
        raise InputError(
            f"Spot {spots[spot]!r} of {label} lies at ({xy[spot, 0]:g}, {xy[spot, 1]:g}), which is "
            f"no place on a slide: the largest number is {_LARGEST:g}. Correct it or remove the "
            "spot."
        )
    if len(xy) > 1 and np.all(xy == xy[0]):
        raise InputError(
            f"All {len(spots):,} spots of {label} lie at one place ({xy[0, 0]:g}, "
            f"{xy[0, 1]:g}). Pass their coordinates with positions=."
        )


def _frame(values: object, names: pd.Index, label: str) -> pd.DataFrame:
    xy = _as_xy(values, label)
    if len(xy) != len(names):
        raise InputError(
            f"{label} has {len(xy):,} rows, but the first table {len(names):,} spots. Pass one row "
            "a spot, or a table with the spots' names."
        )
    return pd.DataFrame(xy, index=names.astype(str), columns=["x", "y"])


def _own(source: Source) -> str | None:
    return in_obsm(source.table)


def _from_obsm(
    sources: Sequence[Source], spots: pd.Index, notes: list[str]
) -> dict[str, NDArray[np.float64]]:
    found = {}
    for source in sources:
        key = _own(source)
        if key is None:
            continue
        values = source.table.obsm[key]
        if isinstance(values, pd.DataFrame) and (picked := by_columns(values.columns)):
            values = values[list(picked)]
        elif isinstance(values, pd.DataFrame) and values.shape[1] == 2:
            notes.append(
                f"Columns {values.columns[0]} and {values.columns[1]} of obsm[{key!r}] of table "
                f"{source.label} are taken as x and y."
            )
        if key not in ("spatial", "X_spatial"):
            notes.append(f"Coordinates are obsm[{key!r}] of table {source.label}.")
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
    if array.ndim == 2 and array.shape[1] == 3 and _is_flat(array[:, 2]):
        return array[:, :2]
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        raise InputError(
            f"{label} is one-dimensional (shape {array.shape}). Pass two columns, x and y."
        )
    raise InputError(
        f"{label} has shape {array.shape}. Pass two columns, x and y: of three-dimensional "
        "coordinates take one section and values[:, :2]."
    )


def _is_flat(z: NDArray[np.float64]) -> bool:
    known = z[np.isfinite(z)]
    return not known.size or bool(np.all(known == known[0]))


def _from_columns(
    sources: Sequence[Source], spots: pd.Index, notes: list[str]
) -> dict[str, NDArray[np.float64]]:
    """Last resort: columns of the spots' annotations."""
    for source in sources:
        table = source.table
        picked = by_columns(table.obs.columns)
        if picked is not None:
            x, y = picked
            notes.append(f"Coordinates are the obs columns {x} and {y} of table {source.label}.")
            label = f"obs[['{x}', '{y}']] of table {source.label}"
            return {f"table {source.label}": _as_xy(table.obs.loc[spots, [x, y]], label)}
    return {}


def _from_names(
    sources: Sequence[Source], spots: pd.Index, notes: list[str]
) -> dict[str, NDArray[np.float64]]:
    """Where even these are missing: names such as 10x20 are places on a grid."""
    xy = by_names(spots)
    if xy is None:
        return {}
    notes.append(
        f"Coordinates are the numbers in the spots' names: {spots[0]!r} lies at ({xy[0, 0]:g}, "
        f"{xy[0, 1]:g})."
    )
    return {f"table {sources[0].label}": xy}


def _check_agreement(found: Mapping[str, NDArray[np.float64]], spots: pd.Index) -> None:
    (first, reference), *others = found.items()
    known = np.isfinite(reference).all(axis=1)
    extent = float(np.ptp(reference[known], axis=0).max()) if known.any() else 0.0
    for label, xy in others:
        both = known & np.isfinite(xy).all(axis=1)
        apart = np.zeros(len(xy), dtype=bool)
        apart[both] = np.abs(xy[both] - reference[both]).max(axis=1) > _TOLERANCE * extent
        if apart.any():
            spot = int(np.flatnonzero(apart)[0])
            number = counted(int(apart.sum()), "spot")
            here, there = (f"({p[0]:g}, {p[1]:g})" for p in (reference[spot], xy[spot]))
            raise InputError(
                f"The coordinates of {number} differ between {first} and {label}, first "
                f"{spots[spot]!r}: {here} and {there}. Pass the right ones with positions=."
            )
