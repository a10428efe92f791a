"""GeoJSON as QuPath writes it: areas with what they were classified as."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

UNCLASSIFIED = "Unclassified"
_MOST = 2**30  # bytes of a file


@dataclass(frozen=True, eq=False)
class DrawnArea:
    """An area of a GeoJSON.

    Attributes
    ----------
    rings
        x and y of the outer ring and of each hole, shape (n, 2), closed.
    classification
        What it was classified as; `UNCLASSIFIED` if it was not.
    name
        Of the object; empty if it has none.
    color
        Hex colour of the class; None if it has none.
    """

    rings: tuple[NDArray[np.float64], ...]
    classification: str
    name: str
    color: str | None


def read_geojson(path: Path) -> list[DrawnArea]:
    """Read the areas of a GeoJSON; points and lines, which hold no spot, are left out.

    Parameters
    ----------
    path
        A FeatureCollection, a list of features or one, in pixels of the full-resolution image.

    Raises
    ------
    InputError
        If it is no GeoJSON, or has no area.
    """
    if path.stat().st_size > _MOST:
        raise InputError(f"{path.name} is larger than 1 GiB. Export fewer objects from QuPath.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is no GeoJSON: {error}. Export it again.") from error
    features = content.get("features", [content]) if isinstance(content, dict) else content
    if not isinstance(features, list):
        raise InputError(f"{path.name} has no list of features. Export it from QuPath as GeoJSON.")
    found: list[DrawnArea] = []
    for number, feature in enumerate(features, start=1):
        try:
            found += _areas(feature)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"Feature {number} of {path.name} cannot be read ({error}). Export it again."
            ) from error
    if not found:
        raise InputError(
            f"{path.name} has no polygon. Draw areas in QuPath, and export them with File > Export "
            "objects as GeoJSON."
        )
    return found


def _areas(feature: dict[str, Any]) -> Iterator[DrawnArea]:
    properties = feature.get("properties") or {}
    given = properties.get("classification") or {}
    if isinstance(given, str):
        given = {"name": given}
    said = given.get("name") or " / ".join(given.get("names", ()))
    color = _color(given)
    for rings in _polygons(feature.get("geometry") or {}):
        yield DrawnArea(
            tuple(_ring(ring) for ring in rings),
            str(said or UNCLASSIFIED),
            str(properties.get("name") or ""),
            color,
        )


def _polygons(geometry: dict[str, Any]) -> Iterator[list[Any]]:
    kind = geometry.get("type")
    if kind == "Polygon":
        yield geometry["coordinates"]
    elif kind == "MultiPolygon":
        yield from geometry["coordinates"]
    elif kind == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _polygons(part)


def _ring(ring: list[Any]) -> NDArray[np.float64]:
    corners = np.asarray(ring, dtype=np.float64)[:, :2]
    if corners.ndim != 2 or len(corners) < 4 or not np.isfinite(corners).all():
        raise ValueError("a ring needs four places or more that are numbers")
    return corners


def _color(given: dict[str, Any]) -> str | None:
    """Return a class's colour: three numbers, or as QuPath wrote it before 0.3, one."""
    color = given.get("color")
    if isinstance(color, list) and len(color) >= 3:
        return "#" + bytes(int(part) & 255 for part in color[:3]).hex()
    packed = given.get("colorRGB")
    return None if packed is None else f"#{int(packed) & 0xFFFFFF:06x}"
