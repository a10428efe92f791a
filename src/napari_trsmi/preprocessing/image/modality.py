"""A picture as one more modality of a data set."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from napari_trsmi.data.dataset import Kind, Modality
from napari_trsmi.data.digests import digest
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.embedding import iter_embed
from napari_trsmi.preprocessing.image.measuring import iter_measure
from napari_trsmi.preprocessing.image.opening import open_picture
from napari_trsmi.preprocessing.image.picture import Picture
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.preprocessing.image.measuring import Measured
    from napari_trsmi.preprocessing.image.recipe import ImageFeatures

FOOTPRINT = "footprint"
"""Column of ``var``: diameter of the disc that a feature was measured on, in spots."""
REACH = "reach"
"""Key of ``uns``: diameter of the widest disc, in coordinate units."""
TRUST = "trust"
"""Key of ``uns``: as of `ImageFeatures`."""


def iter_with_image(
    dataset: SpatialOmics,
    recipe: ImageFeatures,
    picture: Picture | None = None,
    *,
    check: Callable[[], None] = lambda: None,
) -> Generator[tuple[int, int], None, SpatialOmics]:
    """Measure a picture at the spots of a data set, and put it among its modalities.

    Parameters
    ----------
    dataset
        Spots; it is not changed.
    recipe
        What is measured.
    picture
        The section's tissue image if None.
    check
        Called before each window; what it raises ends the work.

    Yields
    ------
    The number of spots that are done, and of all.

    Returns
    -------
    SpatialOmics
        With one more modality; without it, and with a note, if the picture shows the same at all
        spots.

    Raises
    ------
    InputError
        If there is no picture, or it cannot be measured at the spots.
    """
    if recipe.name in dataset.names:
        raise InputError(
            f"There is a modality {recipe.name!r} already. Give the picture another name, with "
            "ImageFeatures(name=...)."
        )
    if picture is None and recipe.picture is not None:
        picture = open_picture(recipe.picture, recipe.picture_scale)
        if recipe.picture_transform is not None:
            picture = replace(picture, matrix=np.array(recipe.picture_transform))
    if picture is None:
        if dataset.image is None:
            raise InputError(
                "image_features= asks for a picture, and there is none. Pass it with image=."
            )
        picture = Picture.of_tissue(dataset.image)
    notes = []
    diameter = dataset.spot_diameter
    if diameter is None:
        diameter = spot_pitch(dataset.coordinates) or 1.0
        notes.append(
            f"{recipe.name}: how wide a spot is is not known; the distance between spots is taken "
            f"({diameter:.4g})."
        )
    measuring = iter_measure if recipe.embed is None else iter_embed
    measured = yield from measuring(picture, dataset.coordinates, diameter, recipe, check)
    notes += [f"{recipe.name}: {note}" for note in measured.notes]
    table = _table(measured, dataset.spots)
    modalities = dataset.modalities
    digests = dict(dataset.digests)
    if table.n_vars:
        table.uns = {REACH: diameter * max(measured.footprints), TRUST: recipe.trust}
        modalities = (*modalities, Modality(recipe.name, Kind.IMAGE, table))
        digests[recipe.name] = digest(table.X, table.obs_names, table.var_names)
    else:
        said = f"{recipe.name}: the picture looks the same at all spots, so it is left out."
        if not modalities:
            raise InputError(said)
        notes.append(said)
    return replace(
        dataset,
        modalities=modalities,
        digests=digests,
        notes=tuple(dict.fromkeys([*dataset.notes, *notes])),
        load_arguments={**dataset.load_arguments, "image_features": recipe.written()},
    )


def own_footprint(modality: Modality) -> Modality | None:
    """The features of a picture that were measured nearest to the spots; None if all were."""
    footprints = modality.table.var.get(FOOTPRINT)
    if footprints is None or footprints.nunique() < 2:
        return None
    nearest = (footprints == footprints.min()).to_numpy()
    return replace(modality, table=modality.table[:, nearest].copy())


def _table(measured: Measured, spots: pd.Index) -> AnnData:
    """Return the features that differ between spots, gaps filled with the middle of the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns that are empty
        middle = np.nan_to_num(np.nanmedian(measured.values, axis=0))
    values = np.where(np.isfinite(measured.values), measured.values, middle).astype(np.float32)
    size = np.abs(values).max(axis=0)
    differing = np.ptp(values, axis=0) > 1e-6 * np.maximum(size, 1e-6)
    var = pd.DataFrame({FOOTPRINT: measured.footprints}, index=pd.Index(measured.names))
    return AnnData(
        X=values[:, differing], obs=pd.DataFrame(index=spots), var=var.iloc[differing].copy()
    )
