"""Visium HD: one run, several tables: bins of each size, and from Space Ranger 4 on cells."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from napari_trsmi.data.reading.memory import check_room
from napari_trsmi.data.selection import how_to
from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anndata import AnnData

CELLS = "cells"
_BINS, _SEGMENTED = "binned_outputs", "segmented_outputs"
_SIZE = re.compile(r"(?:^|_)0*(\d+)um(?:$|_)")
_OUTLINES = "cell_segmentations.geojson"
_USUAL = 8  # 10x's own advice; 2 um are mostly empty

T = TypeVar("T")


def outputs_of(folder: Path) -> dict[int | str, Path]:
    """Return the folders of a Visium HD run by bin size in micrometres, and of its cells."""
    binned = folder if folder.name == _BINS else folder / _BINS
    found: dict[int | str, Path] = {
        size: each
        for each in (sorted(binned.iterdir()) if binned.is_dir() else [])
        if (size := size_of(each.name)) is not None and each.is_dir()
    }
    if (folder / _SEGMENTED).is_dir():
        found[CELLS] = folder / _SEGMENTED
    return found


def size_of(name: str) -> int | None:
    """Read the bin size out of a name such as ``square_008um``, or None.

    Examples
    --------
    >>> size_of("square_008um"), size_of("he"), size_of("s_016um_00001_00002-1")
    (8, None, 16)
    """
    match = _SIZE.search(name)
    return int(match[1]) if match else None


def chosen(
    outputs: Mapping[int | str, T], bin_size: int | str | None, label: str, notes: list[str]
) -> T:
    """Pick one of a run's tables.

    Parameters
    ----------
    outputs
        By bin size, or `CELLS`.
    bin_size
        The one wanted; None takes 8 micrometres, else the next larger, else the largest, else
        the cells.
    label
        How messages call the run.
    notes
        Gets a sentence that says which is used, where there are several.

    Raises
    ------
    InputError
        When it is not there; lists those that are.
    """
    sizes = sorted(size for size in outputs if isinstance(size, int))
    if bin_size is None:
        larger = [size for size in sizes if size >= _USUAL]
        picked: int | str = larger[0] if larger else sizes[-1] if sizes else CELLS
    else:
        picked = bin_size
    if picked not in outputs:
        raise InputError(
            f"{label} has no {_called(picked)}, but {listed([_called(s) for s in outputs])}. Pass "
            f"one of them with {how_to('bin_size', next(iter(outputs)))}."
        )
    others = [size for size in outputs if size != picked]
    if others and bin_size is None:
        notes.append(
            f"{label} has {listed([_called(size) for size in outputs])}: {_called(picked)} are "
            f"used. For others pass {how_to('bin_size', others[-1])}."
        )
    return outputs[picked]


def with_centres_of_cells(table: AnnData, folder: Path) -> float | None:
    """Place segmented cells at the middle of their outlines.

    Parameters
    ----------
    table
        Cells, called as ``cellid_000000001-1``; it is changed.
    folder
        Holds the outlines, in full-resolution pixels.

    Returns
    -------
    The median diameter of a cell, of a disc of the same area.
    """
    import shapely

    path = folder / _OUTLINES
    if not path.is_file():
        raise InputError(f"{folder} has no {_OUTLINES}, so its cells have no place. Copy it too.")
    check_room(20 * path.stat().st_size, f"The outlines {path.name}")
    features = json.loads(path.read_bytes())["features"]
    shapes = shapely.from_geojson([json.dumps(each["geometry"]) for each in features])
    middle = shapely.centroid(shapes)
    places = pd.DataFrame(
        {"x": shapely.get_x(middle), "y": shapely.get_y(middle)},
        index=[int(each["properties"]["cell_id"]) for each in features],
    )
    area = float(np.median(shapely.area(shapes))) if len(shapes) else 0.0
    numbers = table.obs_names.to_series().str.extract(r"(\d+)(?:-\d+)?$")[0].astype(int)
    table.obsm["spatial"] = places.reindex(numbers).to_numpy(dtype=np.float64)
    return 2 * float(np.sqrt(area / np.pi)) or None


def _called(size: int | str) -> str:
    return str(size) if size == CELLS else f"bins of {size} um"
