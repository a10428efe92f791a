"""The pictures of a run where scanpy and squidpy look for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.errors import InputError
from napari_trsmi.scverse.places import KEY, SPATIAL
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_trsmi.result import TRSMIResult


def libraries(table: Any) -> dict[str, Any]:
    """Return the pictures of a table by library id; ``uns["spatial"]`` may hold other things."""
    held = table.uns.get(SPATIAL)
    if not isinstance(held, Mapping):
        return {}
    return {
        str(name): library
        for name, library in held.items()
        if isinstance(library, Mapping) and {"images", "scalefactors"} & set(library)
    }


def read_picture(table: Any, key: str = KEY) -> tuple[TissueImage | None, float | None]:
    """Return the picture of a run and the spots' diameter, None for what is not there.

    Parameters
    ----------
    table
        An AnnData that a run was written into.
    key
        What the run is called: its own library is so, too.
    """
    return read_library(_library_of_run(table, key))


def read_further_pictures(table: Any, names: Iterable[str], key: str) -> dict[str, TissueImage]:
    """Return the further pictures of a run that are there, by name.

    Parameters
    ----------
    table, key
        As for `read_picture`.
    names
        What the run's record calls them.
    """
    library = _library_of_run(table, key)
    found = {name: _picture(library, name) for name in names}
    return {name: image for name, image in found.items() if image is not None}


def _library_of_run(table: Any, key: str) -> Mapping[str, Any]:
    known = libraries(table)
    return known.get(key) or (next(iter(known.values())) if len(known) == 1 else {})


def read_library(library: Mapping[str, Any]) -> tuple[TissueImage | None, float | None]:
    """Return the picture and the spots' diameter that a library of ``uns["spatial"]`` holds."""
    diameter = _number((library.get("scalefactors") or {}).get("spot_diameter_fullres"))
    found = (_picture(library, name) for name in ("hires", "lowres"))
    return next((image for image in found if image is not None), None), diameter


def _picture(library: Mapping[str, Any], name: str) -> TissueImage | None:
    """One of a library's pictures; None if it, or its scale, is not there."""
    from napari_trsmi.data.reading.colors import as_rgb

    pixels = (library.get("images") or {}).get(name)
    scale = _number((library.get("scalefactors") or {}).get(_factor(name)))
    if pixels is None or scale is None:
        return None
    try:
        return TissueImage(as_rgb(np.asarray(pixels), name), scale)
    except InputError:  # the table's own, and no picture of 8 bits
        return None


def _factor(name: str) -> str:
    """What scanpy and squidpy call the scale of a picture."""
    return f"tissue_{name}_scalef"


def _number(value: object) -> float | None:
    """Return what a file says, which may be text or an array of one."""
    try:
        return None if value is None else float(np.asarray(value).item())
    except (TypeError, ValueError):
        return None


def write_picture(result: TRSMIResult, table: Any, key: str = KEY) -> None:
    """Put the run's pictures where scanpy and squidpy look, unless the table shows them already.

    The first is called ``hires``, a further stain by its name, for ``img_key=`` and
    ``img_res_key=``.

    Parameters
    ----------
    result
        Whose images and spot diameter.
    table
        The AnnData. A library of its own keeps its name; where there are several, they stay.
    key
        Name of the library, if the table has none.
    """
    known = libraries(table)
    pictures = result.image is not None or result.further_images
    if len(known) > 1 or not (pictures or result.spot_diameter is not None):
        return
    name = next(iter(known), key)
    library: Mapping[str, Any] = known.get(name, {})
    images, factors = dict(library.get("images") or {}), dict(library.get("scalefactors") or {})
    if result.spot_diameter is not None:
        factors["spot_diameter_fullres"] = result.spot_diameter
    elif "spot_diameter_fullres" not in factors:  # squidpy draws nothing without one
        factors["spot_diameter_fullres"] = spot_pitch(result.coordinates) or 1.0
    if result.image is not None and not _shows(library, result):
        factors[_factor("hires")] = result.image.scale
        images["hires"] = result.image.pixels
    for stain, image in result.further_images.items():
        factors[_factor(stain)] = image.scale
        images[stain] = image.pixels
    others = table.uns.get(SPATIAL)
    table.uns[SPATIAL] = {
        **(dict(others) if isinstance(others, Mapping) else {}),
        name: {**library, "images": images, "scalefactors": factors},
    }


def _shows(library: Mapping[str, Any], result: TRSMIResult) -> bool:
    """Whether a library holds the run's picture, whatever its resolution is called."""
    from napari_trsmi.data.reading.colors import as_rgb

    assert result.image is not None  # noqa: S101
    for name, pixels in (library.get("images") or {}).items():
        scale = (library.get("scalefactors") or {}).get(_factor(name))
        if _number(scale) != result.image.scale:
            continue
        try:
            if np.array_equal(as_rgb(np.asarray(pixels), name), result.image.pixels):
                return True
        except InputError:  # no picture of 8 bits
            continue
    return False
