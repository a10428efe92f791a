"""Space Ranger: a 10x matrix, spot positions in full-resolution pixels, images and scales.

Its folder, or what GEO makes of it: the same files side by side, with a sample's name in front,
each compressed.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.micrometres import of_factors
from napari_trsmi.data.on_tissue import COLUMN
from napari_trsmi.data.parts import Source
from napari_trsmi.data.reading.delimited import positions_from_frame, read_frame
from napari_trsmi.data.reading.pictures import read_picture
from napari_trsmi.data.reading.tenx import MTX_ENDINGS, matrix_in, read_10x, read_mtx
from napari_trsmi.data.reading.visium_hd import size_of
from napari_trsmi.data.sections import section_name
from napari_trsmi.data.selection import Selection, how_to
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

_POSITIONS = ("tissue_positions.csv", "tissue_positions_list.csv", "tissue_positions.parquet")
_OF_AGGREGATE = "aggr_tissue_positions.csv"
_AGGREGATION = ("aggregation.csv", "aggregation_csv.csv")
_H5 = ("filtered_feature_bc_matrix.h5", "filtered_feature_cell_matrix.h5")
_RAW = ("raw_feature_bc_matrix.h5",)
_FOLDERS = ("filtered_feature_bc_matrix", "filtered_feature_cell_matrix", "raw_feature_bc_matrix")
_LIBRARY = "library_id"
_BIN_SIZE = "bin_size_um"  # among the scale factors of Visium HD's square bins


@dataclass(frozen=True)
class _Layout:
    """Where the files of a section are."""

    folder: Path
    prefix: str = ""

    def find(self, *names: str) -> Path | None:
        """Return the first file that is there: in ``spatial``, or beside the matrix."""
        for name in names:
            for folder in (self.folder / "spatial", self.folder):
                for ending in ("", ".gz"):
                    path = folder / f"{self.prefix}{name}{ending}"
                    if path.is_file():
                        return path
        if self.prefix:  # in a folder of its own the names may be Space Ranger's
            return _Layout(self.folder).find(*names)
        return next(iter(self._with_prefix(names)), None)

    def _with_prefix(self, names: tuple[str, ...]) -> list[Path]:
        return [
            path
            for name in names
            for folder in (self.folder / "spatial", self.folder)
            for path in sorted(folder.glob(f"*{name}*"))
            if path.name.removesuffix(".gz").endswith(name) and not path.name.startswith("aggr_")
        ]


def is_space_ranger(folder: Path) -> bool:
    """Tell a Space Ranger output folder by its matrix and its ``spatial`` folder or positions."""
    if not folder.is_dir() or not _matrices(folder):
        return False
    return (folder / "spatial").is_dir() or _Layout(folder).find(*_POSITIONS) is not None


def read_space_ranger(
    folder: Path,
    notes: list[str],
    matrix: Path | None = None,
    *,
    selection: Selection | None = None,
    placed: bool = False,
    stays: bool = True,
) -> Source:
    """Read a Space Ranger output folder.

    Parameters
    ----------
    folder
        Holds ``filtered_feature_bc_matrix.h5``, or the folder of that name, and ``spatial/``.
    notes
        Gets a sentence for each thing that is missing.
    matrix
        Another matrix of the same section.
    selection
        What is picked; of an aggregated run, whose section.
    placed
        Whether the user passes positions, so that those here need not be there.
    stays
        Whether the matrix is there for long.

    Raises
    ------
    InputError
        When the positions are missing, or there is more than one matrix.
    """
    selection = selection or Selection()
    path = matrix or _only_matrix(folder, selection)
    if path.name.endswith(MTX_ENDINGS):
        table = read_mtx(path, notes)
    else:
        table = read_10x(path, notes, stays=stays)
    layout = _Layout(folder, _prefix(path))
    libraries = _libraries(layout)
    if libraries:
        frame = _aggregated(table, layout, libraries)
        chosen = section_name(selection.section)
        layout = _Layout(folder / "spatial" / str(chosen)) if chosen in libraries else layout
    else:
        found = layout.find(*_POSITIONS)
        frame = None if found is None else read_frame(found)
    if frame is None and not placed:
        raise InputError(
            f"{folder / 'spatial'} has no spot positions; it needs {' or '.join(_POSITIONS)}. Copy "
            "them from the pipeline's output, or pass them with positions=."
        )
    if frame is not None:
        table = _with_positions(table, frame, folder, notes, drop=not placed)
    one = not libraries or layout.folder != folder
    scales = _scale_factors(layout) if one else {}
    of_run = _Layout(folder.parent.parent) if size_of(folder.name) is not None else None
    return Source(
        label=folder.name,
        table=table,
        image=_image(layout, of_run, scales, notes) if one else None,
        spot_diameter=scales.get("spot_diameter_fullres"),
        is_square=_BIN_SIZE in scales or size_of(folder.name) is not None,
        micrometres=of_factors(scales),
        section_columns=(_LIBRARY,) if libraries else (),
        is_section=bool(layout.prefix) and _is_named(layout.prefix, selection),
    )


def _with_positions(
    table: AnnData, frame: pd.DataFrame, folder: Path, notes: list[str], *, drop: bool
) -> AnnData:
    positions = positions_from_frame(frame, f"The positions of {folder.name}")
    known = table.obs_names.isin(positions.frame.index)
    if drop and not known.any():
        raise InputError(
            f"No spot of {folder} has a position: the matrix has {table.obs_names[0]!r}, the "
            f"positions {positions.frame.index[0]!r}. Check that both are of one sample."
        )
    if drop and not known.all():
        notes.append(
            f"{counted(int((~known).sum()), 'spot')} of {folder.name} without a position dropped."
        )
        table = table[known].copy()
    names = table.obs_names
    once = ~positions.frame.index.duplicated()
    table.obsm["spatial"] = positions.frame[once].reindex(names).to_numpy()
    for column in (COLUMN, "array_row", "array_col"):
        if column in frame:
            values = pd.to_numeric(frame[column], errors="coerce").set_axis(positions.frame.index)
            table.obs[column] = values[once].reindex(names).to_numpy()
    return table


def _matrices(folder: Path) -> list[Path]:
    """List a folder's matrices: the filtered ones, or the raw ones where there are no others."""
    for names in (_H5, _RAW):  # files from GEO carry the sample's name in front
        found = [path for name in names for path in sorted(folder.glob(f"*{name}"))]
        if found:
            return found
    inside = [matrix_in(folder / name) for name in _FOLDERS]
    beside = [path for ending in MTX_ENDINGS for path in sorted(folder.glob(f"*{ending}"))]
    return [path for path in inside if path is not None][:1] or beside


def _only_matrix(folder: Path, selection: Selection) -> Path:
    found = _matrices(folder)
    section = section_name(selection.section)
    if len(found) > 1 and section is not None:
        found = [path for path in found if _is_named(path.name, selection)] or found
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        first = _prefix(found[1]).rstrip("_-.") or found[0].name
        raise InputError(
            f"{folder} holds several matrices ({names}). Pass the one you mean, or the beginning "
            f"of its name: {how_to('section', first)}."
        )
    return found[0]


def _is_named(name: str, selection: Selection) -> bool:
    """Whether a file's name begins with the section's."""
    section = section_name(selection.section)
    return section is not None and name.startswith(section)


def _prefix(matrix: Path) -> str:
    """What stands before a matrix's usual name."""
    for name in (*_H5, *_RAW, *MTX_ENDINGS):
        if matrix.name.endswith(name):
            return matrix.name.removesuffix(name)
    return ""


def _libraries(layout: _Layout) -> list[str]:
    """Name the sections of an aggregated run, in the order of their barcodes' endings."""
    path = layout.find(*_AGGREGATION)
    if path is None:
        return []
    frame = read_frame(path)
    column = next((c for c in (_LIBRARY, "sample_id") if c in frame), frame.columns[0])
    return [str(name) for name in frame[column]]


def _aggregated(table: AnnData, layout: _Layout, libraries: list[str]) -> pd.DataFrame | None:
    """Name each spot's section, and collect the positions of all."""
    numbers = table.obs_names.to_series().str.extract(r"-(\d+)$")[0]
    names = dict(enumerate(libraries, start=1))
    table.obs[_LIBRARY] = [
        names.get(int(number)) if isinstance(number, str) else None for number in numbers
    ]
    found = layout.find(_OF_AGGREGATE)
    if found is not None:
        return read_frame(found)
    frames = []
    for number, name in names.items():
        own = layout.folder / "spatial" / name
        path = _Layout(own).find(*_POSITIONS) if own.is_dir() else None
        if path is not None:
            frame = read_frame(path)
            first = frame.columns[0]
            frame[first] = [re.sub(r"-\d+$", f"-{number}", str(spot)) for spot in frame[first]]
            frames.append(frame)
    return pd.concat(frames) if frames else None


def _scale_factors(layout: _Layout) -> dict[str, float]:
    path = layout.find("scalefactors_json.json")
    if path is None:
        return {}
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        factors = json.loads(content)
        numbers = {name: float(value) for name, value in factors.items() if value is not None}
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise InputError(
            f"{path} does not hold scale factors: {error}. Copy it again from "
            "Space Ranger's output."
        ) from error
    wrong = {name: v for name, v in numbers.items() if not np.isfinite(v) or v <= 0}
    if wrong:
        name, value = next(iter(wrong.items()))
        raise InputError(
            f"{path} does not hold scale factors: {name} is {value}, which is no positive number. "
            "Copy it again from Space Ranger's output."
        )
    return numbers


def _image(
    layout: _Layout, of_run: _Layout | None, scales: dict[str, float], notes: list[str]
) -> TissueImage | None:
    """Read the image of a section; bins of Visium HD may have theirs in the folder of the run."""
    for resolution in ("hires", "lowres"):
        names = (f"tissue_{resolution}_image.png", f"tissue_{resolution}_image.jpg")
        path = layout.find(*names)
        if path is None and of_run is not None:
            path = of_run.find(*names)
        scale = scales.get(f"tissue_{resolution}_scalef")
        if path is not None and scale is not None:
            picture = read_picture(path, notes)
            return TissueImage(picture.pixels, scale * picture.scale, picture.levels)
    notes.append(
        f"{layout.folder / 'spatial'} has no image with a scale factor: the tissue image is left "
        "out."
    )
    return None
