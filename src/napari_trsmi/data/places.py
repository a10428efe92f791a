"""What programs call the places of spots: keys, pairs of columns, and names that are places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

_KEYS = (
    *("spatial", "x_spatial", "spatial_coords", "spatial_coordinates", "coords", "coord"),
    *("coordinates", "xy", "xy_loc", "x_xy", "x_coords", "spatial2d", "spatial3d", "spatial_3d"),
    *("x_spatial_coords", "spatial_fov", "centroid", "centroids", "location", "locations"),
)
"""Of ``obsm``, in lower case, the preferred first."""

XY_COLUMNS = (
    ("x", "y"),
    ("imagecol", "imagerow"),
    ("pxl_col_in_fullres", "pxl_row_in_fullres"),
    ("x_centroid", "y_centroid"),  # Xenium, MCMICRO
    ("centerx_global_px", "centery_global_px"),  # CosMx
    ("x_slide_mm", "y_slide_mm"),  # CosMx in AtoMx
    ("center_x", "center_y"),  # MERSCOPE
    ("xcoord", "ycoord"),  # Slide-seq
    ("x_coord", "y_coord"),
    ("coord_x", "coord_y"),
    ("x_location", "y_location"),
    ("x_position", "y_position"),
    ("pos_x", "pos_y"),
    ("x_pixel", "y_pixel"),
    ("pixel_x", "pixel_y"),
    ("pxl_x", "pxl_y"),
    ("x_um", "y_um"),
    ("x_µm", "y_µm"),
    ("x_mm", "y_mm"),
    ("x_px", "y_px"),
    ("cell_x", "cell_y"),
    ("spatial_x", "spatial_y"),
    ("spatial1", "spatial2"),
    ("sdimx", "sdimy"),  # Giotto
    ("centroid_x", "centroid_y"),
    ("centroid-1", "centroid-0"),  # steinbock
    ("centroidx", "centroidy"),
    ("centroid x µm", "centroid y µm"),  # QuPath
    ("centroid x px", "centroid y px"),
    ("location_center_x", "location_center_y"),  # CellProfiler
    ("areashape_center_x", "areashape_center_y"),
    ("nucleus_x", "nucleus_y"),
    ("x_trans", "y_trans"),
    ("new_x", "new_y"),
    ("col", "row"),
    ("array_col", "array_row"),
)
"""Names of the x and y column in lower case; the first pair that a table has is taken."""

_GRID = r"^(?:spot_?)?(?P<x>\d+(?:\.\d+)?)x(?P<y>\d+(?:\.\d+)?)(?:-\d+)?$"  # ST, DBiT-seq
_BIN = r"^s_\d+um_(?P<y>\d+)_(?P<x>\d+)(?:-\d+)?$"  # Visium HD


_UNITS = {"um": 1.0, "µm": 1.0, "mm": 1000.0}
"""Micrometres of a unit that ends a column's name."""


def in_obsm(table: AnnData) -> str | None:
    """Return the key of ``obsm`` that holds places, or None."""
    plain = {str(key).lower(): key for key in reversed(list(table.obsm))}
    return next((plain[key] for key in _KEYS if key in plain), None)


def by_columns(columns: Iterable[object]) -> tuple[str, str] | None:
    """Return the first known pair of coordinate columns, whatever their case."""
    plain = {str(column).lower(): column for column in reversed(list(columns))}
    return next(
        ((str(plain[x]), str(plain[y])) for x, y in XY_COLUMNS if x in plain and y in plain), None
    )


def micrometres_named(columns: tuple[str, str]) -> float | None:
    """What a unit of a pair of columns is, if their names end with it, such as ``Centroid X µm``.

    Of CosMx's ``x_slide_mm`` as well; names without a unit say nothing.
    """
    x, y = (re.split(r"[\s_]", column.lower())[-1] for column in columns)
    return _UNITS.get(x) if x == y else None


def by_names(spots: pd.Index) -> NDArray[np.float64] | None:
    """Read places out of names such as ``10x20`` or ``s_008um_00001_00002-1``; None if not all."""
    for pattern in (_GRID, _BIN):
        found = spots.to_series().astype(str).str.extract(pattern)
        if len(found) and found.notna().to_numpy().all():
            xy: NDArray[np.float64] = found[["x", "y"]].to_numpy(dtype=np.float64)
            return xy
    return None
