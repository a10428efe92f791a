"""Two tables of an instrument: counts by cell, and each cell's place and size.

CosMx, MERSCOPE and Xenium write them, whatever else is there or has been left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from napari_trsmi.data.parts import Source
from napari_trsmi.data.places import by_columns
from napari_trsmi.data.reading.cosmx_pixel import pixel_size
from napari_trsmi.data.reading.delimited import numeric, read_counts, read_frame
from napari_trsmi.data.reading.tenx import matrix_in, read_10x, read_mtx
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_FIELD, _CELL = "fov", "cell_id"
_BLANKS = re.compile(
    r"(?:blank|negprb|negative|systemcontrol|falsecode)[-_. ]?\w*|"
    r"neg(?:probe|control|prb)?[-_. ]?\d+",
    flags=re.IGNORECASE,
)
"""What CosMx and MERSCOPE call probes and codewords of no gene."""

_MICROMETRES = {"x_centroid": 1.0, "center_x": 1.0, "x_slide_mm": 1000.0}
"""A unit of what Xenium, MERSCOPE and CosMx call the centres of cells, if it is no pixel."""

_AREAS = ("cell_area", "area")


@dataclass(frozen=True)
class Layout:
    """How an instrument calls its two tables.

    Attributes
    ----------
    counts, cells
        Endings of the files' names, before ``.csv`` and what follows.
    read_counts, read_cells
        Read them.
    pixel_size
        Micrometres of a pixel, where coordinates are in pixels: of the folder and its cells, with
        notes.
    """

    counts: tuple[str, ...]
    cells: tuple[str, ...]
    read_counts: Callable[[Path, list[str]], AnnData]
    read_cells: Callable[[Path], pd.DataFrame]
    pixel_size: Callable[[Path, pd.DataFrame, list[str]], float | None] | None = None

    def files(self, folder: Path) -> tuple[Path, Path] | None:
        """Return both files of a folder; None if it has not one of each."""
        found = [_only(folder, patterns) for patterns in (self.counts, self.cells)]
        counts, cells = found
        return None if counts is None or cells is None else (counts, cells)


def read_cell_tables(folder: Path, layout: Layout, notes: list[str]) -> Source:
    """Read both tables, and match their cells by name.

    Parameters
    ----------
    folder
        That has them.
    layout
        How they are called.
    notes
        Gets a sentence for each thing that was left out.

    Raises
    ------
    InputError
        When a table is missing, or they share no cell.
    """
    files = layout.files(folder)
    if files is None:
        raise InputError(
            f"{folder} needs one {layout.counts[0]} and one {layout.cells[0]}. Copy both from the "
            "instrument's output."
        )
    table, cells = layout.read_counts(files[0], notes), layout.read_cells(files[1])
    cells = cells[~cells.index.duplicated()]
    known = table.obs_names.isin(cells.index)
    if not known.any():
        raise InputError(
            f"No cell of {files[0].name} is in {files[1].name}: the first has "
            f"{table.obs_names[0]!r}, the second {cells.index[0]!r}. Check that both are of one "
            "section."
        )
    if not known.all():
        notes.append(
            f"{counted(int((~known).sum()), 'row')} of {files[0].name} of no cell in "
            f"{files[1].name} left out."
        )
        table = table[known].copy()
    table.obs = cells.loc[table.obs_names]
    picked = by_columns(table.obs.columns)
    if picked is None:
        raise InputError(f"{files[1]} has no columns of coordinates. Copy it again.")
    xy = table.obs[list(picked)].apply(pd.to_numeric, errors="coerce")
    table.obsm["spatial"] = xy.to_numpy(dtype=np.float64)
    notes.append(f"Coordinates of {folder.name} are {picked[0]} and {picked[1]} of its cells.")
    micrometres = _MICROMETRES.get(str(picked[0]).lower())
    if micrometres is None and layout.pixel_size is not None:
        micrometres = layout.pixel_size(folder, table.obs, notes)
    table = without_blanks(table, folder.name, notes)
    return Source(
        folder.name,
        table,
        file_name=folder.name,
        spot_diameter=_diameter(table.obs),
        micrometres=micrometres,
    )


def without_blanks(table: AnnData, label: str, notes: list[str]) -> AnnData:
    """Leave out probes and codewords that stand for no gene."""
    blank = table.var_names.astype(str).str.fullmatch(_BLANKS)
    if not blank.any() or blank.all():
        return table
    number = counted(int(blank.sum()), "control")
    notes.append(f"{number} of {label} left out (first {table.var_names[blank][0]}).")
    return table[:, ~blank].copy()


def read_xenium_matrix(path: Path, notes: list[str]) -> AnnData:
    """Read Xenium's matrix, ``.h5`` or the file in its folder."""
    return (read_10x if path.suffix == ".h5" else read_mtx)(path, notes)


def read_xenium_cells(path: Path) -> pd.DataFrame:
    """Read ``cells.parquet`` or ``cells.csv.gz``, indexed by cell."""
    frame = read_frame(path)
    names = frame[_CELL].map(lambda name: name.decode() if isinstance(name, bytes) else str(name))
    return numeric(frame.drop(columns=_CELL)).set_index(pd.Index(names, name=None))


def read_cosmx_counts(path: Path, _notes: list[str]) -> AnnData:
    """Read ``exprMat_file.csv``: cells are named by their number and their field of view."""
    names, counts, features = read_counts(path, (_CELL, _FIELD), ("cell", "slide_id"))
    cells = names[_CELL].str.cat(names[_FIELD], sep="_")
    return AnnData(
        counts, pd.DataFrame(index=pd.Index(cells, name=None)), pd.DataFrame(index=features)
    )


def read_cosmx_cells(path: Path) -> pd.DataFrame:
    """Read ``metadata_file.csv``, indexed as the counts."""
    frame = read_frame(path)
    plain = {str(column).lower(): column for column in reversed(frame.columns)}
    if _FIELD not in plain or _CELL not in plain:
        raise InputError(f"{path} has no columns fov and cell_ID. Copy it again.")
    names = frame[plain[_CELL]].astype(str).str.cat(frame[plain[_FIELD]].astype(str), sep="_")
    return numeric(frame).set_index(pd.Index(names, name=None))


def read_merscope_counts(path: Path, _notes: list[str]) -> AnnData:
    """Read ``cell_by_gene.csv``, whose names are numbers of 19 digits."""
    names, counts, features = read_counts(path)
    cells = pd.Index(names.iloc[:, 0], name=None)
    return AnnData(counts, pd.DataFrame(index=cells), pd.DataFrame(index=features))


def read_merscope_cells(path: Path) -> pd.DataFrame:
    """Read ``cell_metadata.csv``, indexed by its first column."""
    frame = read_frame(path)
    column = next((name for name in ("EntityID", "cell") if name in frame), frame.columns[0])
    names = pd.Index(frame[column].astype(str), name=None)
    return numeric(frame.drop(columns=column)).set_index(names)


OF_XENIUM = Layout(
    ("cell_feature_matrix.h5", "cell_feature_matrix"),
    ("cells.parquet", "cells.csv.gz", "cells.csv"),
    read_xenium_matrix,
    read_xenium_cells,
)
OF_COSMX = Layout(
    ("exprMat_file.csv", "exprMat_file.csv.gz"),
    ("metadata_file.csv", "metadata_file.csv.gz"),
    read_cosmx_counts,
    read_cosmx_cells,
    pixel_size,
)
OF_MERSCOPE = Layout(
    ("cell_by_gene.csv", "cell_by_gene.csv.gz", "cell_by_gene_*.csv", "cell_by_gene_*.csv.gz"),
    ("cell_metadata.csv", "cell_metadata.csv.gz", "cell_metadata_*.csv", "cell_metadata_*.csv.gz"),
    read_merscope_counts,
    read_merscope_cells,
)


def _only(folder: Path, patterns: Sequence[str]) -> Path | None:
    """Return the file of the first pattern that one file alone has; a matrix folder's own file."""
    for pattern in patterns:
        found = [path for path in sorted(folder.glob(f"*{pattern}")) if path.name[0] != "."]
        if len(found) > 1:
            names = ", ".join(path.name for path in found[:4])
            raise InputError(
                f"{folder} holds several sections ({names}). Put the files of each into a folder "
                "of its own, and pass that."
            )
        if found:
            return matrix_in(found[0]) if found[0].is_dir() else found[0]
    return None


def _diameter(cells: pd.DataFrame) -> float | None:
    """Return the median diameter of cells, of a disc of the same area."""
    plain = {str(column).lower(): column for column in reversed(cells.columns)}
    column = next((plain[name] for name in _AREAS if name in plain), None)
    if column is not None:
        area = pd.to_numeric(cells[column], errors="coerce").median()
    elif {"min_x", "max_x", "min_y", "max_y"} <= set(plain):
        low_x, high_x, low_y, high_y = (
            pd.to_numeric(cells[plain[name]], errors="coerce")
            for name in ("min_x", "max_x", "min_y", "max_y")
        )
        area = ((high_x - low_x) * (high_y - low_y)).median() * np.pi / 4
    else:
        return None
    return 2 * float(np.sqrt(area / np.pi)) if np.isfinite(area) and area > 0 else None
