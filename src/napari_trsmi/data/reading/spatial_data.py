"""SpatialData: its annotated tables, the centres of their shapes or labels, and an image.

The objects are used as they come (duck typing): spatialdata is imported only to read a store and
to look up transformations, when the user already has it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData

from napari_trsmi.data.layers import named_layers
from napari_trsmi.data.parts import Source
from napari_trsmi.data.reading.lazily import opened_zarr
from napari_trsmi.data.reading.memory import check_room, read_in_parts
from napari_trsmi.data.reading.spatial_elements import (
    are_squares,
    centres,
    element_of,
    moved,
    systems_of,
)
from napari_trsmi.data.reading.spatial_images import image_for
from napari_trsmi.data.reading.visium_hd import CELLS, chosen, size_of
from napari_trsmi.data.reading.zarr_store import check_zarr
from napari_trsmi.data.sections import section_name
from napari_trsmi.data.selection import ALL, Selection, how_to
from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError
from napari_trsmi.requirements import needed_for

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_SAME_UNIT = 1e-3  # of the extent
_ATTRS = "spatialdata_attrs"
_ELEMENTS = ("images", "labels", "points", "shapes")
_TABLES = ("tables", "table")


def read_store(path: Path, notes: list[str]) -> Any:
    """Read a SpatialData ``.zarr`` store; tables that do not fit the memory stay on the disk.

    Parameters
    ----------
    path
        The store.
    notes
        Gets a sentence for tables that stay on the disk.

    Raises
    ------
    InputError
        When a table claims more than it holds.
    MissingPackageError
        When spatialdata is not installed.
    """
    places = [path / name for name in _TABLES]
    size = sum(check_zarr(place, whole=False) for place in places)
    in_parts = read_in_parts(size, path.name, notes)
    if not in_parts:
        check_room(size, path.name)
    with needed_for(f"Reading {path}"):
        from spatialdata import read_zarr
    log = logging.getLogger("ome_zarr")
    level = log.level
    log.setLevel(logging.ERROR)  # it tells of every label without a picture
    try:
        if not in_parts:
            return read_zarr(path)
        data = read_zarr(path, selection=_ELEMENTS)
    finally:
        log.setLevel(level)
    for place in places:
        for folder in sorted(place.iterdir()) if place.is_dir() else ():
            if (folder / "obs").is_dir():
                data.tables[folder.name] = _opened(folder)
    return data


def _opened(folder: Path) -> AnnData:
    table = opened_zarr(folder)
    attrs = table.uns.get(_ATTRS, {})
    if isinstance(attrs.get("region"), np.ndarray):  # as it is written, and not as it is checked
        attrs["region"] = attrs["region"].tolist()
    return table


def read_tables(
    data: Any, label: str, file_name: str, notes: list[str], selection: Selection | None = None
) -> list[Source]:
    """Read all tables of a SpatialData.

    Coordinates are the centres of the annotated shapes or labels, in these elements' own (pixel)
    coordinates, or of several elements in the coordinate system that they share. Where no element
    is annotated they are ``obsm["spatial"]``.

    Parameters
    ----------
    data
        The SpatialData.
    label, file_name
        As of `napari_trsmi.data.parts.Source`.
    notes
        Gets a sentence for each thing that was decided.
    selection
        The section (an annotated element), and the bin size where tables differ in it.

    Raises
    ------
    InputError
        When there is no table, or it holds sections that share no coordinate system.
    """
    selection = selection or Selection()
    if not len(data.tables):
        raise InputError(f"Table {label} is a SpatialData without tables: add one to sdata.tables.")
    tables = _of_one_size(dict(data.tables.items()), selection, label, notes)
    sources = []
    for name, table in tables.items():
        own = f"{name!r} of {label}"
        # "table" is spatialdata's own default name and says nothing.
        key = None if len(tables) == 1 and (name == "table" or size_of(name)) else name
        sources.append(_source(data, table, key, own, file_name, notes, selection))
    return sources


def _of_one_size(
    tables: dict[str, AnnData], selection: Selection, label: str, notes: list[str]
) -> dict[str, AnnData]:
    """Pick the tables of one bin size, where that is what they differ in."""
    sizes = {name: size_of(name) or (CELLS if "cell" in name else None) for name in tables}
    if len(tables) < 2 or None in sizes.values() or len(set(sizes.values())) < len(tables):
        return tables
    by_size = {size: name for name, size in sizes.items() if size is not None}
    name = chosen(by_size, selection.bin_size, label, notes)
    return {name: tables[name]}


def _source(
    data: Any,
    table: AnnData,
    key: str | None,
    label: str,
    file_name: str,
    notes: list[str],
    selection: Selection,
) -> Source:
    attrs = table.uns.get(_ATTRS, {})
    column = attrs.get("region_key")
    elements = _elements(data, attrs)
    section = section_name(selection.section)
    is_section = False
    if section in elements and len(elements) > 1:
        total = table.n_obs
        table = table[(table.obs[column].astype(str) == section).to_numpy()]
        elements = {section: elements[section]}
        notes.append(
            f"{table.n_obs:,} of the {total:,} spots of table {label} are of section {section!r}; "
            "the others are left out."
        )
        is_section = True
    elif len(elements) > 1 and column in table.obs:
        present = set(table.obs[column].astype(str))
        elements = {name: element for name, element in elements.items() if name in present}
    view = AnnData(
        X=table.X,
        obs=table.obs,
        var=table.var,
        obsm=dict(table.obsm),
        layers=named_layers(table),
        uns={name: table.uns[name] for name in ("spatial",) if name in table.uns},
    )
    if table.raw is not None:
        view.raw = table.raw.to_adata()
    image = diameter = None
    if elements:
        systems, diameter = _place(view, elements, attrs, label, notes, selection)
        image = image_for(data, systems, label, notes)
    elif len(data.images):
        notes.append(
            f"Table {label} annotates no shapes or labels, so no image of the store is known to be "
            "in register with it: none is used."
        )
    return Source(
        label,
        view,
        key,
        file_name,
        image,
        diameter,
        section_columns=(str(column),) if column in view.obs else (),
        is_optional=len(data.tables) > 1,
        is_section=is_section,
        is_square=bool(elements) and all(map(are_squares, elements.values())),
    )


def _elements(data: Any, attrs: dict[str, Any]) -> dict[str, Any]:
    """Return the shapes and labels that a table annotates, by name."""
    named = attrs.get("region")
    regions = [named] if isinstance(named, str) else [] if named is None else list(named)
    found = {str(region): element_of(data, str(region)) for region in regions}
    return {name: element for name, element in found.items() if element is not None}


def _place(
    view: AnnData,
    elements: dict[str, Any],
    attrs: dict[str, Any],
    label: str,
    notes: list[str],
    selection: Selection,
) -> tuple[dict[str, NDArray[np.float64]], float | None]:
    """Put each spot at the centre of its shape or label; NaN for a spot without one.

    Returns
    -------
    The systems that the coordinates are in, and the spots' diameter.
    """
    systems = {name: systems_of(element) for name, element in elements.items()}
    first, *others = systems.values()
    shared = [system for system in first if all(system in other for other in others)]
    if not shared and selection.section != ALL:
        raise InputError(
            f"Table {label} holds {len(elements)} sections ({listed(list(elements))}) that share "
            f"no coordinate system. Pick one with {how_to('section', next(iter(elements)))}."
        )
    together = None if _all_alike(list(systems.values())) else _preferred(shared)
    instances = view.obs[attrs["instance_key"]]
    region_of = view.obs[attrs["region_key"]].astype(str)
    xy = np.full((view.n_obs, 2), np.nan)
    diameters = []
    for name, element in elements.items():
        places, diameter = centres(element)
        if together is not None:
            matrix = systems[name][together]
            places = moved(places, matrix)
            diameter = diameter and diameter * float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
        mask = (region_of == name).to_numpy()
        xy[mask] = places.reindex(instances[mask]).to_numpy()
        diameters += [diameter] if diameter else []
    _compare(view, xy, elements, label, notes)
    view.obsm["spatial"] = xy
    diameter = float(np.median(diameters)) if diameters else None
    return (first if together is None else {together: np.eye(3)}), diameter


def _all_alike(systems: list[dict[str, NDArray[np.float64]]]) -> bool:
    """Whether the elements' own coordinates mean the same."""
    first, *others = systems
    return all(
        set(other) == set(first) and all(np.allclose(other[key], first[key]) for key in first)
        for other in others
    )


def _preferred(shared: list[str]) -> str | None:
    return "global" if "global" in shared else next(iter(shared), None)


def _compare(
    view: AnnData, xy: NDArray[np.float64], elements: dict[str, Any], label: str, notes: list[str]
) -> None:
    """Say where coordinates come from, unless the table's own say the same."""
    own = view.obsm.get("spatial")
    named = listed(list(elements))
    if own is None:
        notes.append(f"Coordinates of table {label} are the centres of {named}.")
        return
    own = own.to_numpy() if isinstance(own, pd.DataFrame) else np.asarray(own)
    extent = float(np.nanmax(np.ptp(xy[np.isfinite(xy).all(axis=1)], axis=0), initial=0.0))
    if own.shape[1] < 2 or not np.nanmax(np.abs(own[:, :2] - xy)) <= _SAME_UNIT * extent + 1:
        notes.append(
            f"Coordinates of table {label} are the centres of {named}, which the images are in "
            "register with; obsm['spatial'] is in another frame."
        )
