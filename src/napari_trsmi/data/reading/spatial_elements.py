"""SpatialData's shapes and labels: where their instances are, how large, and in which systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def element_of(data: Any, name: str) -> Any | None:
    """Return the shapes or labels of that name; None for what has no instances in a plane."""
    if name in data.shapes:
        return data.shapes[name]
    if name in data.labels:
        labels = data.labels[name]
        return labels if set(finest(labels).dims) == {"y", "x"} else None
    return None


def finest(raster: Any) -> Any:
    """Return the array of a raster: itself, or its first level if it has several."""
    return levels_of(raster)[0]


def levels_of(raster: Any) -> list[Any]:
    """Return the arrays of a raster, finest first."""
    if not callable(getattr(raster, "values", None)):  # a tree of arrays has such a method
        return [raster]
    return [next(iter(level.values())) for level in raster.children.values()]


def are_squares(element: Any) -> bool:
    """Whether shapes are upright squares, as bins are."""
    if not hasattr(element, "geometry") or "radius" in element or not len(element):
        return False
    some = element.geometry.iloc[:: max(1, len(element) // _SOME)]
    wide, high = (some.bounds[f"max{axis}"] - some.bounds[f"min{axis}"] for axis in "xy")
    same = (wide - high).abs() <= _ROUNDED * wide
    full = some.area >= (1 - _ROUNDED) * wide * high
    return bool((same & full).mean() > 0.9)


def centres(element: Any) -> tuple[pd.DataFrame, float | None]:
    """Return where the instances of shapes or labels are.

    Returns
    -------
    centres
        Columns ``x`` and ``y`` in the element's own coordinates, indexed by instance.
    diameter
        The median one, of a disc of the same area; the side of squares.
    """
    if hasattr(element, "geometry"):
        middle = element.geometry.centroid
        places = pd.DataFrame({"x": middle.x, "y": middle.y})
        if "radius" in element:
            return places, 2 * float(np.median(element["radius"]))
        area = float(np.median(element.geometry.area))
        if are_squares(element):
            return places, float(np.sqrt(area))
        return places, 2 * float(np.sqrt(area / np.pi)) or None
    return _of_labels(finest(element).transpose("y", "x"))


def _of_labels(labels: Any) -> tuple[pd.DataFrame, float | None]:
    """Measure labels part by part; pixel i lies from i to i + 1."""
    sums = []
    for rows, columns in _blocks(labels):
        block = np.asarray(labels[rows, columns].data)
        ids, place = np.unique(block, return_inverse=True)
        y, x = np.indices(block.shape)
        flat = place.ravel()
        sums.append(
            pd.DataFrame(
                {
                    "n": np.bincount(flat),
                    "x": np.bincount(flat, x.ravel() + columns.start + 0.5),
                    "y": np.bincount(flat, y.ravel() + rows.start + 0.5),
                },
                index=ids,
            )
        )
    total = pd.concat(sums).groupby(level=0).sum().drop(index=0, errors="ignore")
    places = total[["x", "y"]].div(total["n"], axis=0)
    diameter = 2 * float(np.sqrt(total["n"].median() / np.pi)) if len(total) else None
    return places, diameter


_BLOCK = 2048
_SOME = 500  # shapes that are looked at
_ROUNDED = 0.02  # of a side, which a turn of one degree takes


def _blocks(labels: Any) -> Iterable[tuple[slice, slice]]:
    height, width = labels.shape
    for row in range(0, height, _BLOCK):
        for column in range(0, width, _BLOCK):
            yield (
                slice(row, min(row + _BLOCK, height)),
                slice(column, min(column + _BLOCK, width)),
            )


def systems_of(element: Any) -> dict[str, NDArray[np.float64]]:
    """Return the 3 x 3 matrix from an element's (x, y) to each coordinate system."""
    from spatialdata.transformations import get_transformation

    ways = get_transformation(element, get_all=True)
    return {name: way.to_affine_matrix(("x", "y"), ("x", "y")) for name, way in ways.items()}


def moved(places: pd.DataFrame, matrix: NDArray[np.float64]) -> pd.DataFrame:
    """Apply a 3 x 3 matrix to columns ``x`` and ``y``."""
    xy = places[["x", "y"]].to_numpy() @ matrix[:2, :2].T + matrix[:2, 2]
    return pd.DataFrame(xy, index=places.index, columns=["x", "y"])
