"""Stereo-seq's lists of transcripts (GEM): counted in square bins, or in its cells."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.data.parts import Source
from napari_trsmi.data.reading.visium_hd import CELLS
from napari_trsmi.data.selection import how_to
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_trsmi.data.selection import Selection

PITCH = 0.5  # micrometres between the chip's spots
USUAL = 25  # micrometres: bin 50
GEM_ENDINGS = (".gem", ".gem.gz")

_GENES = ("genename", "geneid", "gene")
_COUNTS = ("midcount", "midcounts", "umicount", "umicounts", "count")
_CELL_NAMES = ("cellid", "label", "cell")
_PART = 2_000_000  # lines
_OMICS = {"proteomics": "Antibody Capture", "transcriptomics": "Gene Expression"}


def gem_in(folder: Path) -> Path | None:
    """Return the one list of a folder, that of the tissue or the cells where there are several."""
    found = [path for path in sorted(folder.iterdir()) if is_gem(path)] if folder.is_dir() else []
    told = [path for name in ("cellbin", "tissue") for path in found if name in path.name]
    return next(iter(told or found), None)


def is_gem(path: Path) -> bool:
    """Tell a list by its name."""
    return path.name.lower().endswith(GEM_ENDINGS) and path.is_file()


def read_gem(path: Path, notes: list[str], selection: Selection) -> Source:
    """Count a list's transcripts.

    Parameters
    ----------
    path
        Lines of gene, x, y and count, with the cell's number if cells were segmented.
    notes
        Gets a sentence that says what they were counted in.
    selection
        The side of bins in micrometres, or cells; None takes cells where there are some, else bins
        of 25 micrometres (bin 50).

    Raises
    ------
    InputError
        When it is no such list, or has no cells.
    """
    head, skipped = _header(path)
    columns = _columns(path, skipped)
    by_cell = selection.bin_size == CELLS or (selection.bin_size is None and "cell" in columns)
    if by_cell and "cell" not in columns:
        raise InputError(
            f"{path.name} names no cells. Count it in bins: leave bin_size out, or pass "
            f"{how_to('bin_size', USUAL)}."
        )
    wide = USUAL if by_cell else int(selection.bin_size or USUAL)
    side = max(1, round(wide / PITCH))
    found = _counted(path, skipped, columns, None if by_cell else side)
    if by_cell:
        notes.append(
            f"{path.name} is counted in its {found.n_obs:,} cells. For bins pass "
            f"{how_to('bin_size', USUAL)}."
        )
    else:
        notes.append(
            f"{path.name} is counted in {counted(found.n_obs, 'bin')} of {wide} um (bin {side}). "
            f"For others pass {how_to('bin_size', 2 * wide)}."
        )
    found.var["feature_types"] = _OMICS.get(head.get("omics", "").lower(), "Gene Expression")
    return Source(
        path.name,
        found,
        file_name=path.name,
        spot_diameter=None if by_cell else float(side),
        is_square=not by_cell,
        micrometres=PITCH,
    )


def _header(path: Path) -> tuple[dict[str, str], int]:
    """Return what the comments say, and how many there are."""
    said: dict[str, str] = {}
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for number, line in enumerate(file):
            if not line.startswith("#"):
                return said, number
            name, _, value = line.removeprefix("#").strip().partition("=")
            said[name.lower()] = value
    raise InputError(f"{path} has no lines. Copy it again.")


def _columns(path: Path, skipped: int) -> dict[str, str]:
    """Name the columns of a list: gene, x, y, count, and cell if there is one."""
    header = pd.read_csv(path, sep="\t", skiprows=skipped, nrows=0).columns
    plain = {str(column).lower(): column for column in reversed(header)}
    wanted = {
        "gene": _GENES,
        "x": ("x",),
        "y": ("y",),
        "count": _COUNTS,
        "cell": _CELL_NAMES,
    }
    found = {
        what: plain[name]
        for what, names in wanted.items()
        if (name := next((name for name in names if name in plain), None))
    }
    missing = [what for what in wanted if what not in found and what != "cell"]
    if missing:
        raise InputError(
            f"{path.name} is no list of transcripts: it has no column of {missing[0]}, only "
            f"{', '.join(map(str, header[:8]))}. Copy it again."
        )
    return found


def _counted(path: Path, skipped: int, columns: dict[str, str], side: int | None) -> AnnData:
    """Add the counts up part by part; `side` in spots of the chip, or None for cells."""
    types = {columns["gene"]: str, columns["x"]: np.int64, columns["y"]: np.int64}
    reader = pd.read_csv(
        path,
        sep="\t",
        skiprows=skipped,
        usecols=list(columns.values()),
        dtype=types,
        chunksize=_PART,
    )
    parts, places = [], []
    for part in reader:
        lines = part.rename(columns={column: what for what, column in columns.items()})
        if side is None:
            lines = lines[lines["cell"] > 0]
            places.append(lines.groupby("cell")[["x", "y"]].agg(["sum", "count"]))
            keys = ["cell", "gene"]
        else:
            lines[["x", "y"]] = lines[["x", "y"]] // side * side
            keys = ["x", "y", "gene"]
        parts.append(lines.groupby(keys, observed=True)["count"].sum())
    total = pd.concat(parts).groupby(level=keys).sum()
    if total.empty:
        raise InputError(f"{path} has no transcripts in {'cells' if side is None else 'bins'}.")
    genes, features = pd.factorize(total.index.get_level_values("gene"), sort=True)
    if side is None:
        sums = pd.concat(places).groupby(level=0).sum()
        cells, names = pd.factorize(total.index.get_level_values("cell"), sort=True)
        sums = sums.loc[names]
        xy = np.column_stack([sums[axis]["sum"] / sums[axis]["count"] for axis in "xy"])
        index = pd.Index([f"cell_{name}" for name in names])
    else:
        where = pd.MultiIndex.from_arrays([total.index.get_level_values(axis) for axis in "xy"])
        cells, unique = pd.factorize(where, sort=True)
        corners = np.array(unique.to_list(), dtype=np.float64)
        xy = corners + side / 2
        index = pd.Index([f"{int(x)}_{int(y)}" for x, y in corners])
    entries = (total.to_numpy(dtype=np.float32), (cells, genes))
    matrix = sp.csr_matrix(entries, shape=(len(index), len(features)))
    return AnnData(
        matrix,
        pd.DataFrame(index=index),
        pd.DataFrame(index=pd.Index(features.astype(str))),
        obsm={"spatial": xy},
    )
