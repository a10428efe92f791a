"""The one way in: whatever a user has becomes a :class:`SpatialOmics`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from anndata import AnnData

from napari_trsmi.data.annotations import merge_annotations
from napari_trsmi.data.by_position import at_spots_of as brought_to_spots_of
from napari_trsmi.data.checks import (
    check_enough,
    check_values,
    drop_uninformative,
    spots_with_counts,
    without_controls,
)
from napari_trsmi.data.coordinates import coordinates, given_positions, micrometres_of
from napari_trsmi.data.dataset import Modality, SpatialOmics, TissueImage
from napari_trsmi.data.digests import digest
from napari_trsmi.data.load_arguments import load_arguments
from napari_trsmi.data.matching import shared_spots, with_common_names
from napari_trsmi.data.micrometres import of_lattice
from napari_trsmi.data.orientation import upright
from napari_trsmi.data.reading.inputs import read_inputs
from napari_trsmi.data.section_images import IMAGE, section_images
from napari_trsmi.data.sections import check_one_section
from napari_trsmi.data.selection import ALL, Selection
from napari_trsmi.data.splitting import find_block, split_all
from napari_trsmi.data.stored import StoredMatrix
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from napari_trsmi.data.parts import Part, Source

# MuData and SpatialData are Any here: neither is imported before it is needed.
Table: TypeAlias = "AnnData | pd.DataFrame | str | Path | Any"
Tables: TypeAlias = "Table | Sequence[Table] | Mapping[str, Table]"
Picture: TypeAlias = "str | Path | NDArray[Any] | TissueImage"
Positions: TypeAlias = "str | Path | pd.DataFrame | Mapping[str, Sequence[float]] | ArrayLike"


def load(
    tables: Tables,
    *,
    features: str | Sequence[str] | None = None,
    positions: Positions | None = None,
    image: Picture | Mapping[str, Picture | None] | None = None,
    image_scale: float | Mapping[str, float] | None = None,
    section: str | None = None,
    bin_size: int | str | None = None,
    keep: str | Sequence[str] = (),
    at_spots_of: str | None = None,
) -> SpatialOmics:
    """Read tables of one section, match their spots by name and check them.

    Parameters
    ----------
    tables
        A dict of name to table, a single table, or a list. A table is an AnnData, a DataFrame
        (spots x features), or a path to ``.h5ad``, a 10x ``.h5``, a Space Ranger folder or a
        CSV/TSV matrix; ``"rna=PATH"`` names it. A MuData, a SpatialData, their files, and an
        AnnData with several ``var["feature_types"]`` or feature blocks ``obsm["X_<modality>"]``
        give several modalities. What a table holds is told by its name, else by its feature types,
        else by its file's name.
    features
        Names of ``obsm`` blocks to use as ready features, such as ``["rna", "X_atac"]``.
    positions
        Coordinates, where the tables have none: a path to a CSV/TSV or a DataFrame with spot names
        and x, y (or Space Ranger's columns), a dict of spot name to (x, y), or an array of shape
        (n_spots, 2) in the order of the first table. They win over the tables' own.
    image
        Tissue image whose pixels are the coordinates' unit: a path or an array of shape
        (height, width, 3). It wins over a table's own. Several stains of the section are given by
        name, ``{"H&E": ..., "Ki67": ...}``: domains are drawn on the first, and None stands for the
        table's own. One that does not lie as the spots do is a `napari_trsmi.registered_image`.
    image_scale
        Pixels of that image per coordinate unit (Space Ranger's ``tissue_*_scalef``), 1 if None; of
        several also by name.
    section
        The section to use where a table holds several, as its column names it; ``"column=name"``
        names the column too. ``"all"`` takes all spots for one section.
    bin_size
        Visium HD's bins to use, by their side in micrometres, or ``"cells"``; None takes 8, else
        the next larger.
    keep
        What is left out otherwise: ``"off_tissue"``, spots whose ``in_tissue`` is 0;
        ``"controls"``, isotype controls among proteins.
    at_spots_of
        Where tables were measured on different spots of one section: the table whose spots are
        taken. The others are brought there by position: what lies closer together is put together
        (counts added, other values averaged), and of a table with wider spots each spot takes the
        nearest. `notes` says which, and how far. None matches spots by name.

    Returns
    -------
    SpatialOmics
        Modalities on the same spots, in the order of the first table. `notes` says what was
        guessed, matched and dropped. The tables passed in are not changed.

    Raises
    ------
    InputError
        When a table, its coordinates or its numbers cannot be used; names what, where, and the
        remedy.

    Warns
    -----
    TRSMIWarning
        When the tables share less than half of the smallest one's spots.
    """
    notes: list[str] = []
    selection = Selection.of(section, bin_size, keep)
    owned, placed = _read(tables, features, positions, selection, notes, at_spots_of)
    sources = [source for source, _ in owned]
    parts = [
        without_controls(part, notes, keep="controls" in selection.keep)
        for _, own in owned
        for part in own
    ]
    _check_distinct(parts)
    digests = {part.name: digest(part.matrix, part.spots, part.features) for part in parts}
    _check_different(parts, digests)

    named = {source.label: source.table.obs_names for source in sources}
    if placed is not None:
        named["the positions"] = placed.index
    # A name of the index that is a column's too could not be written.
    spots = shared_spots(named, notes).rename(None)
    check_enough(len(spots), "in all tables")
    spots, xy = coordinates(sources, placed, spots, notes)
    check_enough(len(spots), "with a position")
    if selection.section != ALL:
        check_one_section(sources, spots, xy, notes)

    parts = [_on_spots(part, spots) for part in parts]
    for part in parts:
        check_values(part)
    counted_in = spots_with_counts(parts, notes)
    spots, xy = spots[counted_in], xy[counted_in]
    check_enough(len(spots), "with counts in all tables")
    parts = [drop_uninformative(_on_spots(part, spots), notes) for part in parts]

    measured = next((source for source in sources if source.spot_diameter is not None), None)
    said = micrometres_of(sources) if placed is None else placed.attrs.get("micrometres")
    grid = _grid(sources, spots)
    images = section_images(image, image_scale, sources, grid, xy, notes)
    first = next(iter(images), IMAGE)
    return SpatialOmics(
        modalities=tuple(_modality(part) for part in parts),
        coordinates=xy,
        spots=spots,
        annotations=merge_annotations(
            {own[0].name: source.table.obs for source, own in owned}, spots, notes
        ),
        image=images.pop(first, None),
        image_name=first,
        further_images=images,
        spot_diameter=None if measured is None else measured.spot_diameter,
        square_spots=measured is not None and measured.is_square,
        micrometres_per_unit=of_lattice(grid, xy) if said is None else said,
        notes=tuple(dict.fromkeys(notes)),
        digests=digests,
        load_arguments=load_arguments(
            tables=tables,
            features=features,
            positions=positions,
            image=image,
            image_scale=image_scale,
            section=section,
            bin_size=bin_size,
            keep=keep or None,
            at_spots_of=at_spots_of,
        ),
        given={
            "tables": tables,
            "features": features,
            "positions": positions,
            "selection": selection,
            "at": at_spots_of,
        },
    )


def original_tables(dataset: SpatialOmics) -> dict[str, AnnData]:
    """Return the tables of a data set as they came, with all that is in them.

    Parameters
    ----------
    dataset
        What `load` returned; files are read again.

    Returns
    -------
    By the name of their modality, or of the first of several: ``X``, layers, ``raw``, ``obs``,
    ``var`` and ``obsm`` as in the input, and spots in its order, all of them. Of a data set that
    was not loaded, its own tables.

    Raises
    ------
    InputError
        When a file is gone, or cannot be read any more.
    """
    if not dataset.given:
        return {modality.name: modality.table for modality in dataset.modalities}
    owned, _ = _read(**dataset.given, notes=[])
    return {
        own[0].name: source.table
        for source, own in owned
        if any(part.name in dataset.names for part in own)
    }


def _read(
    tables: Tables,
    features: str | Sequence[str] | None,
    positions: Positions | None,
    selection: Selection,
    notes: list[str],
    at: str | None = None,
) -> tuple[list[tuple[Source, list[Part]]], pd.DataFrame | None]:
    """Read the tables, each with its modalities, and the positions given beside them."""
    sources = read_inputs(tables, notes, selection, placed=positions is not None)
    placed = None
    if positions is not None:
        placed = given_positions(positions, sources[0], notes, keep=selection.keep)
    sources = upright(sources, placed, notes)
    if at is not None:
        if placed is not None:
            raise InputError(
                "at_spots_of= needs the places of each table's own spots, and positions= gives one "
                "set for all. Put them into obsm['spatial'] of each table."
            )
        sources = brought_to_spots_of(sources, at, notes)
    sources, placed = with_common_names(sources, placed, notes)
    wanted = _wanted_blocks(features, sources)
    return split_all(sources, wanted, notes), placed


def _wanted_blocks(
    features: str | Sequence[str] | None, sources: Sequence[Source]
) -> list[str] | None:
    """Check that each block named is in some table."""
    if features is None:
        return None
    wanted = [features] if isinstance(features, str) else list(features)
    if not wanted:
        raise InputError("features= names no block. Leave it out to use the tables' counts.")
    for name in wanted:
        if not any(find_block(source.table, name) for source in sources):
            blocks = [block for source in sources for block in source.table.obsm]
            listed = ", ".join(map(repr, dict.fromkeys(blocks))) or "none"
            raise InputError(
                f"features= names {name!r}, which no table has in obsm. There are: {listed}."
            )
    return wanted


def _check_distinct(parts: Sequence[Part]) -> None:
    seen: dict[str, Part] = {}
    for part in parts:
        if part.name in seen:
            raise InputError(
                f"Tables {seen[part.name].label} and {part.label} both are {part.name!r}. Give "
                "each a name of its own, as in {'rna': ..., 'rna_2': ...}, or leave one out."
            )
        seen[part.name] = part


_NO_CHANCE = 1000
"""Tables of fewer values may agree by chance."""


def _check_different(parts: Sequence[Part], digests: Mapping[str, str]) -> None:
    seen: dict[str, Part] = {}
    for part in parts:
        if part.matrix.shape[0] * part.matrix.shape[1] < _NO_CHANCE:
            continue
        first = seen.setdefault(digests[part.name], part)
        if first is not part:
            raise InputError(
                f"Tables {first.label} and {part.label} hold the same values, so one of them is "
                "the wrong file or there twice. Leave one out, or pass the right one."
            )


def _on_spots(part: Part, spots: pd.Index) -> Part:
    if part.spots.equals(spots):
        return part
    rows = part.spots.get_indexer(spots)
    return replace(part, matrix=part.matrix[rows], spots=spots)


def _modality(part: Part) -> Modality:
    stored = part.matrix if isinstance(part.matrix, StoredMatrix) else None
    table = AnnData(
        X=None if stored is not None else part.matrix,
        obs=pd.DataFrame(index=part.spots),
        var=pd.DataFrame(index=part.features),
    )
    return Modality(part.name, part.kind, table, stored)


def _grid(sources: Sequence[Source], spots: pd.Index) -> NDArray[np.float64] | None:
    """Return column and row of each spot on the array, if a table knows them."""
    columns = ["array_col", "array_row"]
    for source in sources:
        if set(columns) <= set(source.table.obs):
            values = source.table.obs.loc[spots, columns].apply(pd.to_numeric, errors="coerce")
            grid: NDArray[np.float64] = values.to_numpy(dtype=np.float64)
            return grid
    return None
