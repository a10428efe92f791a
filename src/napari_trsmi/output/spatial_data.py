"""Domains as a SpatialData store: image, spots and their table in one coordinate system."""

from __future__ import annotations

import logging
import re
import shutil
import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.atomic import (
    check_output,
    clear_leftovers,
    partial_beside,
    plain_path,
    put_back,
    replace_folder,
)
from napari_trsmi.errors import OutputError, TRSMIError
from napari_trsmi.output.tables import storable
from napari_trsmi.output.whole_tables import whole_tables
from napari_trsmi.requirements import needed_for
from napari_trsmi.result_sections import require_one_section
from napari_trsmi.scverse.picture import libraries
from napari_trsmi.scverse.places import KEY
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from anndata import AnnData

    from napari_trsmi.data.dataset import SpatialOmics, TissueImage
    from napari_trsmi.result import TRSMIResult

STORE_SUFFIXES = (".zarr",)
"""What `write_spatialdata` writes."""

IMAGE, SPOTS, TABLE = "tissue", "spots", "domains"
"""Names of the elements."""

PICTURE = "picture"
"""The coordinate system of the pixels that landmarks were set on."""

_REGION, _INSTANCE = f"{KEY}_region", f"{KEY}_spot"


def write_spatialdata(
    result: TRSMIResult,
    path: str | os.PathLike[str],
    *,
    dataset: SpatialOmics | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a result as a SpatialData store, whole or not at all.

    Parameters
    ----------
    result
        What to write. Names of annotations and modalities that SpatialData does not allow, such as
        those with spaces, get underscores.
    path
        A folder whose name ends in ``.zarr``.
    dataset
        The tables that were run: with their counts, layers and features they are the store's
        tables, by modality. None for a table without counts.
    overwrite
        Whether a store that this function wrote may be replaced; another folder never is.

    Returns
    -------
    The path written. In the coordinate system ``global``, in the spots' coordinates, the store has
    circles ``spots``; the tables that annotate them, with the run in each as
    `TRSMIResult.write_to` writes it (without `dataset` one table ``domains``); and, if there is
    one, the image ``tissue`` with its scale; further stains are images ``tissue_<name>``. Where the
    image was registered by landmarks, spots and image have a second coordinate system, ``picture``:
    the pixels that the landmarks were set on. That of a further stain is called as its image is.

    Raises
    ------
    MissingPackageError
        If spatialdata is not installed.
    OutputError
        If the store cannot be written; an existing one is then unchanged.
    InputError
        If the tables of `dataset` are not there any more, or the result is of several sections.
    """
    require_one_section(result, "A SpatialData store is written")
    target = _check_store(path, overwrite=overwrite)
    clear_leftovers(target)
    with new_store(target) as partial:
        _as_spatialdata(result, dataset).write(partial)
    return target


@contextmanager
def new_store(target: Path) -> Iterator[Path]:
    """Make a store beside a folder, and put it in the folder's place once it is whole.

    Parameters
    ----------
    target
        The folder; if anything fails, it stays as it was.

    Yields
    ------
    Where the new store is to be made.

    Raises
    ------
    MissingPackageError
        If spatialdata is not installed.
    OutputError
        If the store cannot be written.
    """
    with needed_for("Writing SpatialData"):
        import spatialdata  # noqa: F401
    partial = partial_beside(target)
    log = logging.getLogger("spatialdata")
    level = log.level
    try:
        log.setLevel(logging.WARNING)  # it tells of each store
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield partial
        replace_folder(partial, target)
    except OSError as error:
        raise OutputError(
            f"Cannot write {target}: {error.strerror or error}. Make room, or choose a folder that "
            "you may write to; what was there is unchanged."
        ) from error
    except TRSMIError:
        raise
    except Exception as error:  # the libraries raise anything on a table that they cannot store
        raise OutputError(
            f"Cannot store {target.name}: {error}. Rename or remove that part of the table."
        ) from error
    finally:
        log.setLevel(level)
        shutil.rmtree(partial, ignore_errors=True)


def _check_store(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Check the target as `check_output` does a file; a store is a folder."""
    target = plain_path(path)
    put_back(target)
    if not target.is_dir():
        return check_output(target, overwrite=overwrite, suffixes=STORE_SUFFIXES)
    target = target.resolve()  # a link stays a link, to the new store
    check_output(target / f"probe{STORE_SUFFIXES[0]}", suffixes=STORE_SUFFIXES)
    if not _is_ours(target):
        raise OutputError(
            f"Cannot write {target}: it is a folder that holds something else than a result, and "
            "is never replaced. Choose another name."
        )
    if not overwrite:
        raise OutputError(
            f"{target} is already there. Choose another name, or replace it with overwrite=True."
        )
    return target


_METADATA = {"zarr.json", ".zgroup", ".zattrs", ".zmetadata", "zmetadata"}
_OURS = {
    "": {"images", "shapes", "tables", "labels", "points"},
    "images": {IMAGE},
    "shapes": {SPOTS},
    "labels": set(),
    "points": set(),
}
"""What a store of ours has in each of its folders."""


def _is_ours(store: Path) -> bool:
    """Whether a folder is a store that `write_spatialdata` wrote, and nothing has been added."""
    tables = [path for path in (store / "tables").glob("*") if path.is_dir()]
    if not tables or not all((table / "obs" / _REGION).is_dir() for table in tables):
        return False
    return all(
        {_stem(path.name) for path in (store / folder).iterdir()} <= names | _METADATA
        for folder, names in _OURS.items()
        if (store / folder).is_dir()
    )


def _stem(name: str) -> str:
    """The name of an element, further stains as the first picture."""
    return IMAGE if name.startswith(f"{IMAGE}_") else name


def _as_spatialdata(result: TRSMIResult, dataset: SpatialOmics | None) -> Any:
    import geopandas as gpd
    import shapely
    from spatialdata import SpatialData
    from spatialdata.models import ShapesModel, TableModel
    from spatialdata.transformations import Identity

    diameter = result.spot_diameter or spot_pitch(result.coordinates) or 1.0
    names = result.domains.index.astype(str)
    if result.square_spots:
        corners = np.hstack([result.coordinates - diameter / 2, result.coordinates + diameter / 2])
        spots = gpd.GeoDataFrame(geometry=shapely.box(*corners.T), index=names)
    else:
        radius = {"radius": np.full(len(names), diameter / 2)}
        spots = gpd.GeoDataFrame(radius, geometry=shapely.points(result.coordinates), index=names)
    called = _elements_of(list(result.further_images))
    pictures = {called[stain]: image for stain, image in result.further_images.items()}
    onto = {} if result.image is None else _system(PICTURE, result.record.get("registration"))
    for name, image in pictures.items():
        onto |= _system(name, image.registration)
    systems = {"global": Identity(), **onto}
    elements: dict[str, Any] = {SPOTS: ShapesModel.parse(spots, transformations=systems)}
    for name, table in _tables(result, dataset).items():
        table.obs[_REGION] = np.full(table.n_obs, SPOTS, dtype=object)
        table.obs[_REGION] = table.obs[_REGION].astype("category")
        table.obs[_INSTANCE] = np.asarray(names, dtype=object)
        table.uns.pop("spatialdata_attrs", None)
        elements[name] = TableModel.parse(
            table, region=SPOTS, region_key=_REGION, instance_key=_INSTANCE
        )
    if result.image is not None:
        elements[IMAGE] = _raster(result.image, {n: t for n, t in onto.items() if n == PICTURE})
    for name, image in pictures.items():
        elements[name] = _raster(image, {n: t for n, t in onto.items() if n == name})
    return SpatialData.init_from_elements(elements)


def stored_pictures(store: Any, further: Sequence[str]) -> dict[str, TissueImage]:
    """Read the pictures of a store that `write_spatialdata` wrote, ``tissue`` first.

    Parameters
    ----------
    store
        The SpatialData.
    further
        What the run's record calls its further pictures.
    """
    from spatialdata.transformations import get_transformation

    from napari_trsmi.data.dataset import TissueImage

    found = {}
    for name, element in {IMAGE: IMAGE, **_elements_of(further)}.items():
        if element not in store.images:
            continue
        raster = store.images[element]
        whole = get_transformation(raster).to_affine_matrix(("x", "y"), ("x", "y"))
        pixels = np.asarray(raster.transpose("y", "x", "c").data)
        found[name] = TissueImage(pixels, float(1 / whole[0, 0]))
    return found


def _said_further(result: TRSMIResult) -> dict[str, Any]:
    """What a record says of further pictures: how each was registered, by name."""
    said = {name: image.registration for name, image in result.further_images.items()}
    return {"further_images": said} if said else {}


def _elements_of(further: Sequence[str]) -> dict[str, str]:
    """What the elements of further pictures are called."""
    names = _with_allowed_names(pd.DataFrame(columns=list(further)))
    return {stain: f"{IMAGE}_{name}" for stain, name in zip(further, names, strict=True)}


def _raster(image: TissueImage, onto: Mapping[str, Any]) -> Any:
    """An image as an element, in the spots' coordinates and in further systems."""
    from spatialdata.models import Image2DModel
    from spatialdata.transformations import Scale
    from spatialdata.transformations import Sequence as Chain

    scaled = Scale([1 / image.scale] * 2, axes=("y", "x"))
    return Image2DModel.parse(
        image.pixels.transpose(2, 0, 1),
        dims=("c", "y", "x"),
        c_coords=("r", "g", "b"),
        transformations={
            "global": scaled,
            **{name: Chain([scaled, system]) for name, system in onto.items()},
        },
    )


def _system(name: str, written: Any) -> dict[str, Any]:
    """Return the way from the spots' coordinates to the picture that landmarks were set on."""
    from spatialdata.transformations import Affine

    if not written:
        return {}
    whole = [*written["matrix"], [0.0, 0.0, 1.0]]
    return {name: Affine(whole, input_axes=("x", "y"), output_axes=("x", "y"))}


def _tables(result: TRSMIResult, dataset: SpatialOmics | None) -> dict[str, AnnData]:
    """Make the tables, whose picture is an element of the store instead."""
    plain = replace(
        result,
        annotations=_with_allowed_names(storable(result.annotations)),
        modality_weights=_with_allowed_names(result.modality_weights),
        image=None,
        further_images={},
        record=result.record | _said_further(result),
    )
    if dataset is None:
        return {TABLE: plain.to_anndata()}
    tables = {}
    for name, table in whole_tables(plain, dataset).items():
        twice = set(result.annotations) - set(plain.annotations)
        table.obs = storable(table.obs[[c for c in table.obs if c not in twice]])
        for library in libraries(table).values():
            library["images"] = {}
        tables[_allowed(name)] = table
    return tables


def _allowed(name: object) -> str:
    return re.sub(r"[^\w.-]", "_", str(name), flags=re.ASCII).lstrip("_") or "column"


def _with_allowed_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Call the columns by letters, digits, ``_``, ``.`` and ``-``; they stay distinct."""
    allowed: list[str] = []
    for name in frame:
        plain = _allowed(name)
        taken = {other.lower() for other in allowed}
        number, free = 1, plain
        while free.lower() in taken:
            number += 1
            free = f"{plain}_{number}"
        allowed.append(free)
    return frame.set_axis(allowed, axis=1)
