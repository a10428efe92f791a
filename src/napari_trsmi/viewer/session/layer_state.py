"""A layer's looks and what was drawn in it, as plain JSON and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari.layers import Layer
    from numpy.typing import NDArray

Arrays = dict[str, "NDArray[Any]"]

_MATRICES = ("rotate", "affine")
_VECTORS = ("scale", "translate", "shear")
_PLAIN: dict[str, tuple[str, ...]] = {
    "image": ("gamma", "contrast_limits", "rgb", "interpolation2d"),
    "labels": (),
    "shapes": ("shape_type", "edge_width"),
    "points": ("border_width_is_relative",),
    "vectors": ("edge_width", "vector_style"),
}
_ARRAYS: dict[str, tuple[str, ...]] = {
    "image": (),
    "labels": (),
    "shapes": ("edge_color", "face_color"),
    "points": ("size", "face_color", "border_color", "border_width", "shown"),
    "vectors": ("edge_color",),
}
KINDS = tuple(_PLAIN)
"""Layers that can be kept with their data."""


def looks(layer: Layer) -> dict[str, Any]:
    """Where and how a layer is shown, whatever it shows, in plain JSON types."""
    return {
        "name": layer.name,
        "visible": bool(layer.visible),
        "opacity": float(layer.opacity),
        "blending": str(layer.blending),
        **{key: np.asarray(getattr(layer, key), dtype=float).tolist() for key in _VECTORS},
        "rotate": np.asarray(layer.rotate, dtype=float).tolist(),
        "affine": np.asarray(layer.affine.affine_matrix, dtype=float).tolist(),
        "units": [str(unit) for unit in layer.units],
        "axis_labels": list(layer.axis_labels),
    }


def arguments_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """What a layer is made with, to look as `looks` said."""
    given = dict(state)
    for key in (*_MATRICES, *_VECTORS):
        given[key] = np.asarray(given[key], dtype=float)
    return given


def content(layer: Layer) -> tuple[dict[str, Any], Arrays]:
    """What a layer of its own holds, beside its looks: plain JSON, and arrays by name."""
    kind = layer._type_string
    plain = {key: _plain(getattr(layer, key)) for key in _PLAIN[kind]}
    arrays = {key: np.asarray(getattr(layer, key)) for key in _ARRAYS[kind]}
    if kind == "points":
        plain["symbol"] = [str(symbol) for symbol in layer.symbol]
    if kind == "image" and not layer.rgb:
        plain["colormap"] = layer.colormap.name
    if kind == "shapes":
        arrays |= {f"shape_{at}": np.asarray(shape) for at, shape in enumerate(layer.data)}
    else:
        data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
        arrays["data"] = np.asarray(data)
    features = getattr(layer, "features", None)
    if features is not None and len(features.columns) and kind != "image":
        plain["features"] = {str(name): _column(column) for name, column in features.items()}
    return plain, arrays


def layer_of(kind: str, plain: Mapping[str, Any], arrays: Arrays) -> tuple[Any, dict[str, Any]]:
    """Data and arguments of a layer, from what `content` returned."""
    given = {key: value for key, value in plain.items() if key != "features"}
    given |= {key: arrays[key] for key in _ARRAYS[kind]}
    if "features" in plain:
        columns = {name: _read_column(column) for name, column in plain["features"].items()}
        given["features"] = pd.DataFrame(columns)
    if kind == "shapes":
        n_shapes = len(given["shape_type"])
        if not n_shapes:
            return [], {}
        return [arrays[f"shape_{at}"] for at in range(n_shapes)], given
    return arrays["data"], given


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays of numbers by their names."""
    np.savez_compressed(path, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> Arrays:
    """Read what `write_arrays` wrote; nothing in it is unpickled."""
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (np.generic,)):
        return value.item()
    return value if isinstance(value, (bool, int, float)) else str(value)


def _column(column: pd.Series) -> dict[str, Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = [str(name) for name in column.cat.categories]
        return {"categories": names, "codes": column.cat.codes.tolist()}
    if pd.api.types.is_bool_dtype(column):
        return {"values": [bool(value) for value in column]}
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=float)
        whole = pd.api.types.is_integer_dtype(column)
        return {
            "values": [
                None if np.isnan(value) else int(value) if whole else float(value)
                for value in numbers
            ]
        }
    return {"values": [None if pd.isna(value) else str(value) for value in column]}


def _read_column(column: Mapping[str, Any]) -> Any:
    if "categories" in column:
        return pd.Categorical.from_codes(column["codes"], pd.Index(column["categories"]))
    return column["values"]
