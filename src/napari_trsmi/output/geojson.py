"""Domains as objects that QuPath opens: File, Import objects from file.

QuPath reads a GeoJSON FeatureCollection (RFC 7946: outer rings anticlockwise and holes clockwise by
the sign of their area) in pixels of the full-resolution image. What it adds to the format is in
each feature's properties: ``objectType``, ``classification`` with a name and an RGB colour,
``measurements`` by name and ``isLocked``; a geometry with ``isEllipse`` is the ellipse in its
bounding box.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import shapely

from napari_trsmi.atomic import check_output, write_bytes
from napari_trsmi.result_sections import require_one_section
from napari_trsmi.spots.boundaries import domain_polygons
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from napari_trsmi.result import TRSMIResult

GEOJSON_SUFFIXES = (".geojson",)
"""What `write_geojson` writes."""

_OWN = uuid5(NAMESPACE_URL, "https://github.com/napari-trsmi/napari-trsmi")
_CORNERS = 8  # of a circle, for programs that do not know isEllipse


def write_geojson(
    result: TRSMIResult,
    path: str | os.PathLike[str],
    *,
    spots: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write domains as GeoJSON for QuPath, whole or not at all.

    Parameters
    ----------
    result
        What to write. Its coordinates are taken for pixels of the full-resolution image, as
        ``obsm["spatial"]`` of a Visium table is.
    path
        Ends in ``.geojson``.
    spots
        Whether to add each spot as a detection, with its confidence and modality weights: an
        ellipse, or the square of a bin.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    The path written. The file has a locked annotation for each domain: the area of its spots, with
    all its parts and holes, classified by the domain's name in its colour. Each feature has an id,
    a UUID of the domain's or the spot's name.

    Raises
    ------
    InputError
        If the result is of several sections.
    OutputError
        If it cannot be written; an existing file is then unchanged.
    """
    require_one_section(result, "GeoJSON is")
    target = check_output(path, overwrite=overwrite, suffixes=GEOJSON_SUFFIXES)
    features = _annotations(result) + (_detections(result) if spots else [])
    collection = {"type": "FeatureCollection", "features": features}
    write_bytes(target, json.dumps(collection, allow_nan=False).encode())
    return target


def _annotations(result: TRSMIResult) -> list[dict[str, Any]]:
    found = []
    for name, area in domain_polygons(result.coordinates, result.domains).items():
        members = (result.domains.astype(str) == name).to_numpy()
        properties = {
            "objectType": "annotation",
            "name": f"Domain {name}",
            "classification": _classification(result, name),
            "isLocked": True,
            "measurements": {
                "Spots": int(members.sum()),
                "Mean confidence": float(result.confidence[members].mean()),
            },
        }
        wound = shapely.orient_polygons(area)
        geometry = json.loads(shapely.to_geojson(wound))
        found.append(_feature(f"domain {name}", geometry, properties))
    return found


def _detections(result: TRSMIResult) -> list[dict[str, Any]]:
    diameter = result.spot_diameter or spot_pitch(result.coordinates) or 1.0
    turns = 2 * np.pi * np.append(np.arange(_CORNERS), 0) / _CORNERS
    outline = np.column_stack([np.cos(turns), np.sin(turns)])
    if result.square_spots:
        outline = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1], [1, 1]])
    rings = (result.coordinates[:, np.newaxis] + diameter / 2 * outline).tolist()
    shape = {} if result.square_spots else {"isEllipse": True}
    classified = {name: _classification(result, name) for name in result.colors}
    weights = result.modality_weights.add_prefix("Weight ")
    measured = weights.assign(Confidence=result.confidence).to_dict(orient="records")
    rows = zip(result.domains.index, result.domains, rings, measured, strict=True)
    return [
        _feature(
            f"spot {spot}",
            {"type": "Polygon", "coordinates": [ring], **shape},
            {
                "objectType": "detection",
                "name": str(spot),
                "classification": classified[str(domain)],
                "measurements": {key: float(value) for key, value in values.items()},
            },
        )
        for spot, domain, ring, values in rows
    ]


def _feature(key: str, geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    """Return a feature; its id is the same in every export, and a UUID, as QuPath's own are."""
    return {
        "type": "Feature",
        "id": str(uuid5(_OWN, key)),
        "geometry": geometry,
        "properties": properties,
    }


def _classification(result: TRSMIResult, name: str) -> dict[str, Any]:
    color = result.colors[name].removeprefix("#")
    return {"name": name, "color": list(bytes.fromhex(color))}
