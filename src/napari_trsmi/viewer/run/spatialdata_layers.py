"""Layers that napari-spatialdata opened: the tables that annotate their element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import numpy as np
    from anndata import AnnData
    from napari.layers import Layer
    from numpy.typing import NDArray

_SDATA, _TABLE, _ELEMENT, _INSTANCES = "sdata", "adata", "name", "indices"
"""Where napari-spatialdata keeps things in a layer's metadata (version 0.7)."""

_ATTRIBUTES = "spatialdata_attrs"


def has_tables(layer: Layer) -> bool:
    """Tell whether `element_tables` finds any, without making them."""
    if _sdata(layer) is not None:
        return bool(_annotating(layer))
    table = layer.metadata.get(_TABLE)
    return bool(getattr(table, "n_obs", 0)) and bool(getattr(table, "n_vars", 0))


def element_tables(layer: Layer) -> Any:
    """Return what annotates a layer's element.

    Returns
    -------
    A SpatialData with those tables, each with the element's own rows, so that its shapes and images
    are known; or the AnnData that the layer carries without a SpatialData.
    """
    sdata, element = _sdata(layer), str(layer.metadata.get(_ELEMENT))
    if sdata is None:
        return layer.metadata[_TABLE]
    tables = {}
    for name, (table, own) in _annotating(layer).items():
        attributes = table.uns[_ATTRIBUTES]
        part = table[own].copy()
        column = attributes["region_key"]
        part.obs[column] = part.obs[column].astype(str).astype("category")
        part.uns[_ATTRIBUTES] = {**attributes, "region": element}
        tables[name] = part
    kinds = ("images", "labels", "points", "shapes")
    return type(sdata)(**{kind: dict(getattr(sdata, kind)) for kind in kinds}, tables=tables)


def instance_names(layer: Layer) -> pd.Index | None:
    """Return the names that the tables give to a layer's points, in the points' order.

    A point without a row in the first table is called by its element and number. None for a layer
    of something else.
    """
    instances = layer.metadata.get(_INSTANCES)
    if _sdata(layer) is None or instances is None or not (tables := _annotating(layer)):
        return None
    table, own = next(iter(tables.values()))
    column = table.obs.loc[own, table.uns[_ATTRIBUTES]["instance_key"]]
    named = dict(zip(column, column.index, strict=True))
    element = layer.metadata.get(_ELEMENT)
    names = pd.Index([str(named.get(one, f"{element} {one}")) for one in instances])
    return names if names.is_unique else None


def _sdata(layer: Layer) -> Any:
    found = layer.metadata.get(_SDATA)
    return found if hasattr(found, "tables") else None


def _annotating(layer: Layer) -> dict[str, tuple[AnnData, NDArray[np.bool_]]]:
    """Return the tables that annotate a layer's element, with the rows that do."""
    found = {}
    for name, table in _sdata(layer).tables.items():
        column = table.uns.get(_ATTRIBUTES, {}).get("region_key")
        if column not in table.obs or not table.n_vars:
            continue
        own = (table.obs[column].astype(str) == str(layer.metadata.get(_ELEMENT))).to_numpy()
        if own.any():
            found[str(name)] = (table, own)
    return found
