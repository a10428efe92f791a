"""How large a pixel of CosMx is: instruments differ, and what a run writes tells which it was.

Prototypes had pixels of 0.18 and 0.169 micrometres, instruments that are sold 0.12028 (NanoString's
documentation of the flat files). So the size is taken from the run's own numbers: fields of view in
pixels and in millimetres, or areas of cells in pixels and in square micrometres. Where neither is
there, the extent of a field of view tells the instruments that are sold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_trsmi.data.reading.delimited import read_frame

if TYPE_CHECKING:
    from pathlib import Path

_SOLD = 0.12028
_FIELD = (3648, 4256)
"""Pixels: a prototype's field is no higher than the first, today's as wide as the second."""

_POSITIONS = ("*fov_positions_file.csv", "*fov_positions_file.csv.gz")
_PLAUSIBLE = (0.05, 0.5)


def pixel_size(folder: Path, cells: pd.DataFrame, notes: list[str]) -> float | None:
    """Return the micrometres of a pixel, None if nothing tells them.

    Parameters
    ----------
    folder
        Of the flat files.
    cells
        ``metadata_file.csv``.
    notes
        Gets a sentence that says what told it, or that nothing did.
    """
    plain = {str(column).lower(): cells[column] for column in reversed(cells.columns)}
    for found, where in (
        (_of_fields(folder), "fields of view in pixels and millimetres"),
        (_of_areas(plain), "areas of cells in pixels and square micrometres"),
        (_of_extent(plain), "the extent of its fields of view"),
    ):
        if found is not None and _PLAUSIBLE[0] < found < _PLAUSIBLE[1]:
            notes.append(f"A pixel of {folder.name} is {found:.4g} µm, by {where}.")
            return found
    notes.append(
        f"The size of a pixel of {folder.name} is not known: CosMx instruments differ. Lengths are "
        "in pixels; the fov_positions_file with positions in mm would tell."
    )
    return None


def _of_fields(folder: Path) -> float | None:
    paths = [path for pattern in _POSITIONS for path in sorted(folder.glob(pattern))]
    if len(paths) != 1:
        return None
    frame = read_frame(paths[0])
    plain = {str(column).lower(): column for column in reversed(frame.columns)}
    names = [f"{axis}_global_{unit}" for unit in ("px", "mm") for axis in "xy"]
    if not set(names) <= set(plain):
        return None
    values = frame[[plain[name] for name in names]].apply(pd.to_numeric, errors="coerce").dropna()
    pixels, millimetres = np.split(values.to_numpy(dtype=np.float64), 2, axis=1)
    if len(values) > 1:  # the origins may differ
        pixels, millimetres = pixels - pixels.mean(axis=0), millimetres - millimetres.mean(axis=0)
    size = float(np.linalg.norm(pixels))
    return float(1000 * np.linalg.norm(millimetres) / size) if size > 0 else None


def _of_areas(plain: dict[str, pd.Series]) -> float | None:
    if not {"area", "area.um2"} <= set(plain):
        return None
    pixels, square = (
        pd.to_numeric(plain[name], errors="coerce").median() for name in ("area", "area.um2")
    )
    return float(np.sqrt(square / pixels)) if pixels > 0 and square > 0 else None


def _of_extent(plain: dict[str, pd.Series]) -> float | None:
    names = ("centerx_local_px", "centery_local_px")
    if not set(names) <= set(plain):
        return None
    wide, high = (float(pd.to_numeric(plain[name], errors="coerce").max()) for name in names)
    is_sold = high > _FIELD[0] and max(wide, high) <= _FIELD[1]
    return _SOLD if is_sold else None
