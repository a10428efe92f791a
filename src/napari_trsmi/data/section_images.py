"""The pictures of a section: the one that domains are drawn on, and further stains beside it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.frame import frame_warning
from napari_trsmi.data.reading.images import tissue_image
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError, TRSMIWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage
    from napari_trsmi.data.parts import Source

IMAGE = "image"
"""What a picture is called that nobody named."""

_TAKEN = {"hires", "lowres", "fullres"}
"""What scanpy calls resolutions of the first picture, beside which further ones are kept."""


def stain_name(name: str) -> str:
    """The name of a picture that is called so elsewhere."""
    plain = name.replace("/", " ").strip() or IMAGE
    return f"{plain} picture" if plain in _TAKEN else plain


def section_images(
    given: Any,
    scale: float | Mapping[str, float] | None,
    sources: Sequence[Source],
    grid: NDArray[np.float64] | None,
    xy: NDArray[np.float64],
    notes: list[str],
) -> dict[str, TissueImage]:
    """Read the pictures of a section by name, the one that domains are drawn on first.

    Parameters
    ----------
    given, scale
        As ``image`` and ``image_scale`` of `napari_trsmi.load`.
    sources
        The tables, whose own picture is taken where none is given.
    grid, xy
        Places of the spots on the array, if they are known, and their coordinates.
    notes
        Gets a sentence for each thing that was done or does not fit.

    Raises
    ------
    InputError
        If something is no picture, or has no usable name.

    Warns
    -----
    TRSMIWarning
        If spots lie beside a picture.
    """
    own = next((source for source in sources if source.image is not None), None)
    named = given if isinstance(given, Mapping) else {} if given is None else {IMAGE: given}
    _check_names(named, given, scale)
    if not named and own is not None and own.image is not None:
        named = {IMAGE: None}
    found: dict[str, TissueImage] = {}
    for name, picture in named.items():
        if picture is None:
            if own is None or own.image is None:
                raise InputError(
                    f"image={{{name!r}: None}} stands for the picture of a table, and no table has "
                    "one. Pass the picture."
                )
            found[name] = own.image
        else:
            factor = scale.get(name) if isinstance(scale, Mapping) else scale
            found[name] = tissue_image(picture, factor, notes)
        said, is_wrong = _fit(found[name], grid, xy)
        if said:
            notes.append(said if len(named) == 1 else f"{name}: {said}")
        if is_wrong:
            warnings.warn(notes[-1], TRSMIWarning, stacklevel=3)  # load's caller
    if own is not None and not any(picture is own.image for picture in found.values()):
        notes.append(f"The image given replaces the image of table {own.label}.")
    return found


def _check_names(named: Mapping[Any, Any], given: Any, scale: Any) -> None:
    if isinstance(given, Mapping) and not named:
        raise InputError("image= is empty. Pass a picture, or several by name, as {'H&E': ...}.")
    if not named and scale is not None:
        raise InputError("image_scale= is given without image=. Pass the picture too.")
    for name in named:
        # names end up in uns keys, where "/" would start a group in the file
        if not isinstance(name, str) or not name.strip() or "/" in name or name in _TAKEN:
            raise InputError(f"{name!r} is no name for a picture. Call it by its stain: 'Ki67'.")
    unknown = [name for name in scale if name not in named] if isinstance(scale, Mapping) else []
    if unknown:
        raise InputError(
            f"image_scale= names {unknown[0]!r}, which is no picture. There are "
            f"{listed(list(named))}."
        )


def _fit(
    image: TissueImage, grid: NDArray[np.float64] | None, xy: NDArray[np.float64]
) -> tuple[str, bool]:
    """Say what does not fit between a picture and the spots, and whether that is a warning."""
    height, width = image.pixels.shape[:2]
    outside = np.any((xy < 0) | (xy * image.scale > (width, height)), axis=1)
    message = (
        f"{outside.sum():,} of {counted(len(xy), 'spot')} lie outside the tissue image "
        f"({width} x {height} pixels, scale {image.scale:g})."
    )
    wrong = frame_warning(xy, image, grid)
    if outside.mean() > 0.5 or wrong is not None:
        remedy = wrong or "Check that its scale fits the coordinates (image_scale)."
        return (f"{message} {remedy}" if outside.any() else remedy), True
    return (message if outside.any() else ""), False
