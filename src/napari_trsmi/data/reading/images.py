"""Tissue images: from files, arrays and the ``uns`` of a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.reading.colors import as_rgb
from napari_trsmi.data.reading.pictures import read_picture
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from anndata import AnnData


def tissue_image(image: object, scale: float | None, notes: list[str]) -> TissueImage:
    """Make a tissue image of a path, an array (H, W, 3) or a TissueImage.

    Parameters
    ----------
    image
        The picture.
    scale
        Its pixels per coordinate unit; None is 1, or a TissueImage's own.
    notes
        Gets a sentence for each thing that was done to it.

    Raises
    ------
    InputError
        When it is no colour picture, or the scale no positive number.
    """
    scale = _checked(scale if scale is not None else getattr(image, "scale", 1.0))
    if isinstance(image, TissueImage):
        return TissueImage(
            as_rgb(image.pixels, "The image"), scale, image.levels, image.registration
        )
    if isinstance(image, (str, Path)):
        read = read_picture(Path(image).expanduser(), notes)
        return TissueImage(read.pixels, read.scale * scale, read.levels)
    return TissueImage(as_rgb(np.asarray(image), "The image"), scale)


def _checked(scale: object) -> float:
    number = _number(scale)
    if number is None:
        raise InputError(
            f"The image's scale is {scale}. Pass its pixels per coordinate unit, a positive number."
        )
    return number


def image_of_table(
    table: AnnData, label: str, notes: list[str]
) -> tuple[TissueImage | None, float | None]:
    """Read image, scale and spot diameter from ``uns["spatial"]``, where scanpy keeps them.

    Returns
    -------
    tuple
        The image, high resolution preferred, and the spot diameter in full-resolution pixels;
        None for what is not there. A note says why a picture that is there is left out.
    """
    library = _library(table, label, notes)
    if library is None:
        return None, None
    images, factors = (_mapping(library.get(name)) for name in ("images", "scalefactors"))
    unread: list[str] = []
    diameter = _positive(factors, "spot_diameter_fullres", unread)
    image = None
    for resolution in sorted(images, key=_preference):
        factor = f"tissue_{resolution}_scalef"
        if factor in factors:
            scale = _positive(factors, factor, unread)
        else:
            scale = 1.0 if resolution == "fullres" else None
            unread += [f"{factor} is missing"] if scale is None else []
        if scale is None:
            continue
        try:
            pixels = as_rgb(np.asarray(images[resolution]), f"The image in table {label}")
        except InputError as error:  # the table is usable without it
            notes.append(f"{error} It is left out.")
            break
        image = TissueImage(pixels, scale)
        break
    else:
        if images:
            known = ", ".join(map(str, images))
            unread.append(f"no picture ({known}) has its scale, so none is shown")
    if unread:
        notes.append(f"Scale factors of table {label}: {'; '.join(unread)}.")
    return image, diameter


_PREFERRED = ("hires", "lowres")  # Space Ranger's; others, such as HEST-1k's, come after


def _preference(resolution: str) -> tuple[int, str]:
    known = _PREFERRED.index(resolution) if resolution in _PREFERRED else len(_PREFERRED)
    return known + (resolution == "fullres"), resolution


def _library(table: AnnData, label: str, notes: list[str]) -> Mapping[str, Any] | None:
    """Return the one section's entry: other keys, such as CELLxGENE's is_single, are no sections.

    A table that is part of a larger one may have entries of all sections; a column names its own.
    """
    spatial: object = table.uns.get("spatial")
    if _is_library(spatial):  # without a name above it
        return _mapping(spatial)
    libraries = {
        str(name): _mapping(entry)
        for name, entry in _mapping(spatial).items()
        if _is_library(entry)
    }
    if len(libraries) == 1:
        return next(iter(libraries.values()))
    if not libraries:
        return None
    for column in table.obs:
        values = table.obs[column].astype(str).unique()
        if len(values) == 1 and values[0] in libraries:
            return libraries[values[0]]
    notes.append(
        f"Table {label} has images of several sections ({', '.join(libraries)}): none is used."
    )
    return None


def _is_library(entry: object) -> bool:
    return bool({"images", "scalefactors"} & set(_mapping(entry)))


def _mapping(value: object) -> Mapping[str, Any]:
    found: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    return found


def _positive(factors: Mapping[str, Any], name: str, unread: list[str]) -> float | None:
    """Read a factor; one that is no positive number is said."""
    if factors.get(name) is None:
        return None
    number = _number(factors[name])
    if number is None:
        unread.append(f"{name} is {str(factors[name])[:40]!r}, no positive number")
    return number


def _number(value: object) -> float | None:
    """Read a positive number, which R's converters write as an array of one, or as text."""
    values = np.asarray(value).ravel()
    try:
        number = float(values[0]) if len(values) == 1 else np.nan
    except (TypeError, ValueError):
        number = np.nan
    return number if np.isfinite(number) and number > 0 else None
