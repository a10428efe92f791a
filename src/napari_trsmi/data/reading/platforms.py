"""Instruments' folders as they are written: told by their files, read whole or by their tables.

spatialdata-io reads what it knows, with outlines and labels. Xenium and MERSCOPE are read by their
two tables where it is not installed, or the folder lacks what it asks for, as deposits often do;
CosMx always is: its reader asks for pictures that AtoMx does not export.
"""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.reading.cell_tables import (
    OF_COSMX,
    OF_MERSCOPE,
    OF_XENIUM,
    Layout,
    read_cell_tables,
    without_blanks,
)
from napari_trsmi.data.reading.delimited import read_matrix, table_from_frame
from napari_trsmi.data.reading.hdf5 import check_hdf5
from napari_trsmi.data.reading.memory import check_room
from napari_trsmi.data.reading.stereo_seq import gem_in, read_gem
from napari_trsmi.data.reading.xenium_picture import stained_picture
from napari_trsmi.data.reading.zarr_store import check_zarr_zip
from napari_trsmi.errors import InputError, MissingPackageError
from napari_trsmi.requirements import needed_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anndata import AnnData

    from napari_trsmi.data.selection import Selection

_FEATURE_TYPES = {Kind.RNA: "Gene Expression", Kind.PROTEIN: "Protein Expression"}
_NO_SPATIALDATA_IO = "without outlines, which spatialdata-io would read"


@dataclass(frozen=True)
class Platform:
    """An instrument or pipeline.

    Attributes
    ----------
    name
        As people call it.
    is_in
        Tells its folder.
    reader
        Name of spatialdata-io's function, or empty.
    options
        Of that function: what is not needed is not read.
    tables
        Its two tables, where they serve alone.
    kind
        What it measures, where its table does not say.
    """

    name: str
    is_in: Callable[[Path], bool]
    reader: str = ""
    options: tuple[tuple[str, Any], ...] = ()
    tables: Layout | None = None
    kind: Kind | None = None


def _has(*patterns: str) -> Callable[[Path], bool]:
    return lambda folder: all(any(folder.glob(pattern)) for pattern in patterns)


def _has_tables(layout: Layout) -> Callable[[Path], bool]:
    return lambda folder: all(
        any(any(folder.glob(f"*{name}")) for name in names)
        for names in (layout.counts, layout.cells)
    )


_NOT_READ = dict.fromkeys(
    (
        *("cells_boundaries", "nucleus_boundaries", "cells_labels", "nucleus_labels"),
        *("transcripts", "morphology_mip", "morphology_focus", "aligned_images", "gex_only"),
    ),
    False,
) | {"cells_as_circles": True}

XENIUM = Platform("Xenium", _has_tables(OF_XENIUM), "xenium", tuple(_NOT_READ.items()), OF_XENIUM)
MCMICRO = Platform(
    "MCMICRO", _has("quantification/*.csv", "markers.csv"), "mcmicro", kind=Kind.PROTEIN
)
CODEX = Platform("CODEX", lambda folder: _codex_in(folder) is not None)
PLATFORMS = (
    XENIUM,
    Platform("CosMx", _has_tables(OF_COSMX), tables=OF_COSMX),
    Platform(
        "MERSCOPE",
        _has_tables(OF_MERSCOPE),
        "merscope",
        (("mosaic_images", False), ("transcripts", False)),
        OF_MERSCOPE,
        Kind.RNA,
    ),
    MCMICRO,
    Platform("steinbock", _has("cells.h5ad", "masks_*", "ome"), "steinbock", kind=Kind.PROTEIN),
    Platform(
        "Stereo-seq",
        _has("041.cellcut/*.gef", "051.cellcluster/*.h5ad", "03.register", "04.tissuecut"),
        "stereoseq",
        (("read_square_bin", False),),
        kind=Kind.RNA,
    ),
    CODEX,
    Platform("Stereo-seq", lambda folder: gem_in(folder) is not None),
)
"""What is told by its folder, the most telling first."""


def _codex_in(folder: Path) -> Path | None:
    """Return the one table of a folder whose columns are cycles and channels."""
    tables = sorted(folder.glob("*.csv"))
    found = [path for path in tables[:20] if re.search(rb"(?:^|,)\"?cyc\d+", _first_line(path))]
    return found[0] if len(found) == 1 else None


def _first_line(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.readline(1 << 16)
    except OSError:
        return b""


def platform_of(folder: Path) -> Platform | None:
    """Return the instrument that wrote a folder, or None."""
    return next((platform for platform in PLATFORMS if platform.is_in(folder)), None)


def read_platform(
    folder: Path, platform: Platform, notes: list[str], selection: Selection
) -> object:
    """Read a folder of an instrument.

    Parameters
    ----------
    folder
        As it was written, or the part of it that has its tables.
    platform
        Which wrote it.
    notes
        Gets a sentence that says which it is, and others for what was decided.
    selection
        The size of bins, of a list of transcripts.

    Returns
    -------
    A SpatialData, or a Source.

    Raises
    ------
    InputError
        When a file is damaged or missing.
    """
    notes.append(f"{folder.name} is a folder of {platform.name}.")
    if platform is CODEX and (table_of_cells := _codex_in(folder)) is not None:
        return read_matrix(table_of_cells)
    gem = gem_in(folder) if not platform.reader and platform.tables is None else None
    if gem is not None:
        return read_gem(gem, notes, selection)
    for path in folder.rglob("*.h5*"):
        if path.is_file():
            check_hdf5(path)
    if platform.reader and (found := _whole(folder, platform, notes)) is not None:
        return found
    assert platform.tables is not None  # noqa: S101 (others are read, or raise)
    source = read_cell_tables(folder, platform.tables, notes)
    table = source.table
    if "feature_types" not in table.var:
        _say_kind(table, platform.kind or _kind_of_values(table))
    image = stained_picture(folder, notes) if platform is XENIUM else None
    return replace(source, image=image)


def _whole(folder: Path, platform: Platform, notes: list[str]) -> object | None:
    """Read what spatialdata-io knows; None where the two tables must do."""
    try:
        with needed_for(f"Reading the folder of {platform.name}"):
            import spatialdata_io
    except MissingPackageError as error:
        if platform.tables is None:
            raise
        notes.append(f"{folder.name} is read by its tables, {_NO_SPATIALDATA_IO} ({error})")
        return None
    _check_claims(folder)
    try:
        with _quiet():
            data = getattr(spatialdata_io, platform.reader)(folder, **dict(platform.options))
            if not data.tables:
                raise InputError("it found no table")
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:120] or type(error).__name__
        says = f"spatialdata-io's reader says {reason!r}."
        if platform.tables is not None:
            notes.append(f"{folder.name} is read by its tables, without outlines: {says}")
            return None
        tables = list(folder.glob("quantification/*.csv")) if platform is MCMICRO else []
        if len(tables) != 1:
            raise
        notes.append(f"Only {tables[0].name} of {folder.name} is read: {says}")
        table: object = table_from_frame(read_matrix(tables[0]), folder.name, notes)
        _say_kind(table, Kind.PROTEIN)
        return table
    return _prepared(data, folder, platform, notes)


def _prepared(data: Any, folder: Path, platform: Platform, notes: list[str]) -> object:
    name, *others = sorted(data.tables, key=lambda name: (not name.endswith("cell"), name))
    if others:
        notes.append(f"{folder.name} has tables {', '.join([name, *others])}: {name} is used.")
    table = without_blanks(data.tables[name], folder.name, notes)
    if platform.kind is not None and "feature_types" not in table.var:
        _say_kind(table, platform.kind)
    for each in [name, *others]:
        del data.tables[each]
    data.tables["table"] = table
    if platform is XENIUM:
        from napari_trsmi.data.reading.spatial_data import read_tables

        (source,) = read_tables(data, folder.name, folder.name, notes)
        return replace(source, image=stained_picture(folder, notes))
    return data


def _say_kind(table: AnnData, kind: Kind) -> None:
    table.var["feature_types"] = _FEATURE_TYPES[kind]


def _kind_of_values(table: AnnData) -> Kind:
    """CosMx counts transcripts, and measures proteins by their intensity."""
    values: Any = table.X
    return Kind.RNA if np.array_equal(values.data, np.rint(values.data)) else Kind.PROTEIN


def _check_claims(folder: Path) -> None:
    """Check what spatialdata-io will read whole."""
    from pyarrow.parquet import read_metadata

    for path in folder.glob("*.parquet"):
        found = read_metadata(path)
        check_room(16 * found.num_rows * found.num_columns, f"The table {path.name}")
    for path in folder.glob("*.zarr.zip"):
        check_zarr_zip(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence a library's warnings and its log: what matters of it is said in the notes."""
    import logging

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
