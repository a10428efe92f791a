"""Space Ranger: a 10x matrix, spot positions in full-resolution pixels, images and scales."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.parts import Source
from napari_trsmi.data.reading.delimited import positions_from_frame, read_frame
from napari_trsmi.data.reading.images import read_image
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

_POSITIONS = ("tissue_positions.csv", "tissue_positions_list.csv", "tissue_positions.parquet")


def is_space_ranger(folder: Path) -> bool:
    """Tell a Space Ranger output folder by its ``spatial`` folder and its matrix."""
    return (folder / "spatial").is_dir() and bool(_matrices(folder))


def read_10x(path: Path) -> AnnData:
    """Read a 10x ``.h5`` with all its feature types.

    Raises
    ------
    InputError
        When the file lacks a part of the format.
    """
    import h5py
    import scanpy

    with h5py.File(path) as file:
        wanted = ("barcodes", "data", "indices", "indptr", "shape", "features")
        missing = [name for name in wanted if name not in file["matrix"]]
    if missing:
        raise InputError(
            f"{path} is not a whole 10x matrix: it lacks {', '.join(missing)}. Copy it again from "
            "the pipeline's output."
        )
    return scanpy.read_10x_h5(path, gex_only=False)


def read_space_ranger(folder: Path, notes: list[str], matrix: Path | None = None) -> Source:
    """Read a Space Ranger output folder.

    Parameters
    ----------
    folder
        Holds ``filtered_feature_bc_matrix.h5`` and ``spatial/``.
    notes
        Gets a sentence for each thing that is missing.
    matrix
        Another matrix of the same section.

    Raises
    ------
    InputError
        When the positions are missing, or there is more than one matrix.
    """
    table = read_10x(matrix or _only_matrix(folder))
    spatial = folder / "spatial"
    path = next((spatial / name for name in _POSITIONS if (spatial / name).exists()), None)
    if path is None:
        raise InputError(f"{spatial} has no spot positions; it needs {' or '.join(_POSITIONS)}.")
    frame = read_frame(path)
    positions = positions_from_frame(frame, str(path))
    known = table.obs_names.isin(positions.frame.index)
    if not known.all():
        notes.append(
            f"{counted(int((~known).sum()), 'spot')} of {folder.name} without a position dropped."
        )
        table = table[known].copy()
    table.obsm["spatial"] = positions.frame.loc[table.obs_names].to_numpy()
    for column in ("array_row", "array_col"):
        if column in frame:
            by_spot = pd.to_numeric(frame[column]).set_axis(positions.frame.index)
            table.obs[column] = by_spot.loc[table.obs_names].to_numpy()
    scales = _scale_factors(spatial)
    return Source(
        label=folder.name,
        table=table,
        image=_image(spatial, scales, notes),
        spot_diameter=scales.get("spot_diameter_fullres"),
    )


def _matrices(folder: Path) -> list[Path]:
    # Files from GEO carry the sample's name in front.
    return sorted(folder.glob("*filtered_feature_bc_matrix.h5"))


def _only_matrix(folder: Path) -> Path:
    found = _matrices(folder)
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise InputError(f"{folder} holds several matrices ({names}). Pass the one you mean.")
    return found[0]


def _scale_factors(spatial: Path) -> dict[str, float]:
    path = spatial / "scalefactors_json.json"
    if not path.exists():
        return {}
    try:
        factors = json.loads(path.read_text())
        return {name: float(value) for name, value in factors.items() if value is not None}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} does not hold scale factors: {error}. Copy it again from "
            "Space Ranger's output."
        ) from error


def _image(spatial: Path, scales: dict[str, float], notes: list[str]) -> TissueImage | None:
    for resolution in ("hires", "lowres"):
        path = spatial / f"tissue_{resolution}_image.png"
        scale = scales.get(f"tissue_{resolution}_scalef")
        if path.exists() and scale is not None:
            return TissueImage(read_image(path), scale)
    notes.append(f"{spatial} has no image with a scale factor: the tissue image is left out.")
    return None
