"""SpatialData: its annotated tables, the centres of their shapes, and an image in register.

The objects are used as they come (duck typing): spatialdata is imported only to read a store and
to look up transformations, when the user already has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.parts import Source
from napari_trsmi.data.reading.images import as_rgb
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_MAX_PIXELS = 2**24
"""Larger images are full slides: they serve no spot and fill the memory."""


def read_store(path: Path) -> Any:
    """Read a SpatialData ``.zarr`` store.

    Raises
    ------
    InputError
        When spatialdata is not installed.
    """
    try:
        from spatialdata import read_zarr
    except ImportError as error:
        raise InputError(
            f"Reading {path} needs spatialdata, which is not installed: pip install spatialdata."
        ) from error
    return read_zarr(path)


def read_tables(data: Any, label: str, file_name: str, notes: list[str]) -> list[Source]:
    """Read all tables of a SpatialData.

    Coordinates are ``obsm["spatial"]``, else the centres of the annotated shapes in the shapes' own
    (pixel) coordinates.

    Raises
    ------
    InputError
        When there is no table.
    """
    if not len(data.tables):
        raise InputError(f"Table {label} is a SpatialData without tables: add one to sdata.tables.")
    sources = []
    for name, table in data.tables.items():
        own = f"{name!r} of {label}"
        regions = _regions(data, table)
        view = AnnData(
            X=table.X,
            obs=table.obs,
            var=table.var,
            obsm=dict(table.obsm),
            layers=dict(table.layers),
        )
        if "spatial" not in view.obsm and regions:
            view.obsm["spatial"] = _centres(data, table, regions)
            notes.append(f"Coordinates of table {own} are the centres of {', '.join(regions)}.")
        image = _image(data, regions[0], own, notes) if len(regions) == 1 else None
        diameter = _diameter(data.shapes[regions[0]]) if len(regions) == 1 else None
        # "table" is spatialdata's own default name and says nothing.
        key = None if len(data.tables) == 1 and name == "table" else name
        sources.append(Source(own, view, key, file_name, image, diameter))
    return sources


def _regions(data: Any, table: AnnData) -> list[str]:
    """Name the shapes that `table` annotates."""
    named = table.uns.get("spatialdata_attrs", {}).get("region") or []
    regions = [named] if isinstance(named, str) else list(named)
    return [region for region in regions if region in data.shapes]


def _centres(data: Any, table: AnnData, regions: list[str]) -> NDArray[np.float64]:
    """Return the centre of each spot's shape; NaN for a spot without one."""
    attrs = table.uns["spatialdata_attrs"]
    instances = table.obs[attrs["instance_key"]]
    region_of = table.obs[attrs["region_key"]].astype(str)
    centres = np.full((table.n_obs, 2), np.nan)
    for region in regions:
        centre = data.shapes[region].geometry.centroid
        xy = pd.DataFrame({"x": centre.x, "y": centre.y})
        mask = (region_of == region).to_numpy()
        centres[mask] = xy.reindex(instances[mask]).to_numpy()
    return centres


def _diameter(shapes: Any) -> float | None:
    return 2 * float(np.median(shapes["radius"])) if "radius" in shapes else None


def _image(data: Any, region: str, label: str, notes: list[str]) -> TissueImage | None:
    """Return the largest handy RGB image that only a scale separates from the shapes."""
    fitting = {}
    for name, image in data.images.items():
        if getattr(image, "dims", None) != ("c", "y", "x") or image.shape[0] not in {3, 4}:
            continue  # several resolutions in one element, or no colour picture
        scale = _scale(data.shapes[region], image)
        if scale is not None and image.shape[1] * image.shape[2] <= _MAX_PIXELS:
            fitting[name] = (image, scale)
    if not fitting:
        return None
    name, (image, scale) = max(fitting.items(), key=lambda item: item[1][1])
    notes.append(f"The tissue image of table {label} is {name!r}, at scale {scale:.4g}.")
    pixels = np.asarray(image.transpose("y", "x", "c").values)
    return TissueImage(as_rgb(pixels, f"Image {name!r}"), scale)


def _scale(shapes: Any, image: Any) -> float | None:
    """Image pixels per unit of the shapes, or None if they are not in register by a scale."""
    from spatialdata.transformations import get_transformation

    ways, image_ways = (get_transformation(e, get_all=True) for e in (shapes, image))
    shared = [system for system in ways if system in image_ways]
    for system in shared:
        to_world, image_to_world = (
            way[system].to_affine_matrix(("x", "y"), ("x", "y")) for way in (ways, image_ways)
        )
        matrix = np.linalg.solve(image_to_world, to_world)
        scale = float(matrix[0, 0])
        if scale > 0 and np.allclose(matrix, np.diag([scale, scale, 1.0]), rtol=1e-3, atol=1e-6):
            return scale
    return None
