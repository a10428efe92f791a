"""Domains as a SpatialData store: image, spots and their table in one coordinate system."""

from __future__ import annotations

import logging
import re
import shutil
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from napari_trsmi.errors import OutputError
from napari_trsmi.output.atomic import check_output, clear_leftovers, plain_path
from napari_trsmi.output.tables import storable
from napari_trsmi.scverse.places import KEY
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import pandas as pd

    from napari_trsmi.result import TRSMIResult

STORE_SUFFIXES = (".zarr",)
"""What `write_spatialdata` writes."""

IMAGE, SPOTS, TABLE = "tissue", "spots", "domains"
"""Names of the elements."""

_REGION, _INSTANCE = f"{KEY}_region", f"{KEY}_spot"


def write_spatialdata(
    result: TRSMIResult, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Write a result as a SpatialData store, whole or not at all.

    Parameters
    ----------
    result
        What to write. Names of annotations and modalities that SpatialData does not allow, such as
        those with spaces, get underscores.
    path
        A folder whose name ends in ``.zarr``.
    overwrite
        Whether a store that this function wrote may be replaced; another folder never is.

    Returns
    -------
    The path written. In the coordinate system ``global``, in the spots' coordinates, the store has
    circles ``spots``; the table ``domains`` that annotates them, which is
    `TRSMIResult.to_anndata`'s without the image; and, if there is one, the image ``tissue`` with
    its scale.

    Raises
    ------
    OutputError
        If spatialdata is not installed, or the store cannot be written; an existing one is then
        unchanged.
    """
    target = _check_store(path, overwrite=overwrite)
    try:
        import spatialdata  # noqa: F401
    except ImportError as error:
        raise OutputError(
            "Writing SpatialData needs spatialdata, which is not installed: "
            "pip install 'napari-trsmi[spatialdata]'."
        ) from error
    clear_leftovers(target)
    partial = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    log = logging.getLogger("spatialdata")
    level = log.level
    try:
        log.setLevel(logging.WARNING)  # it tells of each store
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _as_spatialdata(result).write(partial)
        _replace(partial, target)
    except OSError as error:
        raise OutputError(
            f"Cannot write {target}: {error.strerror or error}. Make room, or choose a folder that "
            "you may write to; what was there is unchanged."
        ) from error
    except Exception as error:  # the libraries raise anything on a table that they cannot store
        raise OutputError(
            f"Cannot store {target.name}: {error}. Rename or remove that column of the annotations."
        ) from error
    finally:
        log.setLevel(level)
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _check_store(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Check the target as `check_output` does a file; a store is a folder."""
    target = plain_path(path)
    if not target.is_dir():
        return check_output(target, overwrite=overwrite, suffixes=STORE_SUFFIXES)
    target = target.resolve()  # a link stays a link, to the new store
    check_output(target / f"probe{STORE_SUFFIXES[0]}", suffixes=STORE_SUFFIXES)
    if not _is_ours(target):
        raise OutputError(
            f"Cannot write {target}: it is a folder that holds something else than a result, and "
            "is never replaced. Choose another name."
        )
    if not overwrite:
        raise OutputError(
            f"{target} is already there. Choose another name, or replace it with overwrite=True."
        )
    return target


_METADATA = {"zarr.json", ".zgroup", ".zattrs", ".zmetadata", "zmetadata"}
_OURS = {
    "": {"images", "shapes", "tables", "labels", "points"},
    "images": {IMAGE},
    "shapes": {SPOTS},
    "tables": {TABLE},
    "labels": set(),
    "points": set(),
}
"""What a store of ours has in each of its folders."""


def _is_ours(store: Path) -> bool:
    """Whether a folder is a store that `write_spatialdata` wrote, and nothing has been added."""
    if not (store / "tables" / TABLE / "uns" / KEY).is_dir():
        return False
    return all(
        {path.name for path in (store / folder).iterdir()} <= names | _METADATA
        for folder, names in _OURS.items()
        if (store / folder).is_dir()
    )


def _as_spatialdata(result: TRSMIResult) -> Any:
    import geopandas as gpd
    import shapely
    from spatialdata import SpatialData
    from spatialdata.models import Image2DModel, ShapesModel, TableModel
    from spatialdata.transformations import Scale

    diameter = result.spot_diameter or spot_pitch(result.coordinates) or 1.0
    circles = gpd.GeoDataFrame(
        {"radius": np.full(len(result.domains), diameter / 2)},
        geometry=shapely.points(result.coordinates),
        index=result.domains.index.astype(str),
    )
    table = replace(
        result,
        annotations=_with_allowed_names(storable(result.annotations)),
        modality_weights=_with_allowed_names(result.modality_weights),
        image=None,
    ).to_anndata()
    table.obs[_REGION] = np.full(table.n_obs, SPOTS, dtype=object)
    table.obs[_REGION] = table.obs[_REGION].astype("category")
    table.obs[_INSTANCE] = np.asarray(circles.index, dtype=object)
    elements: dict[str, Any] = {
        SPOTS: ShapesModel.parse(circles),
        TABLE: TableModel.parse(table, region=SPOTS, region_key=_REGION, instance_key=_INSTANCE),
    }
    if result.image is not None:
        elements[IMAGE] = Image2DModel.parse(
            result.image.pixels.transpose(2, 0, 1),
            dims=("c", "y", "x"),
            c_coords=("r", "g", "b"),
            transformations={"global": Scale([1 / result.image.scale] * 2, axes=("y", "x"))},
        )
    return SpatialData.init_from_elements(elements)


def _with_allowed_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Call the columns by letters, digits, ``_``, ``.`` and ``-``; they stay distinct."""
    allowed: list[str] = []
    for name in frame:
        plain = re.sub(r"[^\w.-]", "_", str(name), flags=re.ASCII).lstrip("_") or "column"
        taken = {other.lower() for other in allowed}
        number, free = 1, plain
        while free.lower() in taken:
            number += 1
            free = f"{plain}_{number}"
        allowed.append(free)
    return frame.set_axis(allowed, axis=1)


def _replace(partial: Path, target: Path) -> None:
    """Put a folder in the place of another one, which stays if that fails."""
    if not target.exists():
        partial.rename(target)
        return
    old = target.with_name(f".{target.name}.{uuid4().hex[:8]}.old")
    target.rename(old)
    try:
        partial.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
