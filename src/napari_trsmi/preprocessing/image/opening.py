"""A picture of any size and any channels, opened to be measured: nothing is read yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_trsmi.data.reading.tiff import tiff_channels
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.picture import (
    ChannelsLast,
    Picture,
    colored,
    middle_of,
    scaled_only,
)
from napari_trsmi.preprocessing.image.stains import is_stained

_COLORS = ("red", "green", "blue")


def open_picture(given: Any, scale: float) -> Picture:
    """Open a picture.

    Parameters
    ----------
    given
        As `ImageFeatures.picture`.
    scale
        Its pixels per coordinate unit.

    Raises
    ------
    InputError
        When it is no picture.
    """
    if isinstance(given, str | Path):
        path = Path(given).expanduser()
        if not path.exists():
            raise InputError(f"There is no picture {path}. Check the path.")
        if path.is_dir():
            return _of_zarr(path, scale)
        return _of_tiff(path, scale)
    if hasattr(given, "dims") or hasattr(given, "children"):
        return _of_element(given, scale)
    array = given if hasattr(given, "shape") else np.asarray(given)
    if array.dtype.kind not in "buif":
        raise InputError(f"The picture holds {array.dtype}, and needs numbers. Pass its pixels.")
    if array.ndim not in {2, 3} or 0 in array.shape:
        raise InputError(
            f"The picture has shape {tuple(array.shape)}. Pass (height, width) or (channels, "
            "height, width), or colours as (height, width, 3)."
        )
    is_plain = array.dtype == np.uint8 or min(array.shape[:2]) > 4
    if array.ndim == 3 and array.shape[-1] in {3, 4} and is_plain:
        return _picture("picture", [array], _COLORS, scale, is_color=True)
    channels = ChannelsLast(array)
    names = [f"channel {number}" for number in range(channels.shape[2])]
    return _picture("picture", [channels], tuple(names), scale, is_color=False)


def _picture(
    name: str, levels: list[Any], channels: tuple[str, ...], scale: float, *, is_color: bool
) -> Picture:
    if not is_color:
        return Picture(name, tuple(levels), scaled_only(scale), channels, stained=False)
    shown = colored(levels, name)
    stained = is_stained(middle_of(shown[-1]))
    return Picture(name, shown, scaled_only(scale), channels[:3], stained)


def _of_tiff(path: Path, scale: float) -> Picture:
    try:
        levels, channels, is_color = tiff_channels(path)
    except InputError:
        raise
    except Exception as error:  # damaged files make the decoder raise anything
        raise InputError(
            f"{path} cannot be opened as a TIFF ({error}). Pass a TIFF or an OME-Zarr."
        ) from error
    return _picture(path.name, levels, channels, scale, is_color=is_color)


def _of_zarr(path: Path, scale: float) -> Picture:
    import dask.array as da
    import zarr

    try:
        group: Any = zarr.open_group(path, mode="r")
        attributes = dict(group.attrs)
        described = attributes.get("ome", attributes)
        scales = described["multiscales"][0]
        from_array: Any = da.from_array
        arrays = [from_array(group[each["path"]]) for each in scales["datasets"]]
    except Exception as error:
        raise InputError(
            f"{path} is no OME-Zarr picture ({error}). Pass the folder that has 'multiscales'."
        ) from error
    levels = []
    for array in arrays:
        while array.ndim > 3 and array.shape[0] == 1:  # one time, one plane
            array = array[0]
        if array.ndim not in {2, 3}:
            raise InputError(
                f"{path.name} has shape {array.shape}: several planes or times. Save one of them."
            )
        levels.append(ChannelsLast(array))
    count = levels[0].shape[2]
    told = [str(c.get("label", "")) for c in described.get("omero", {}).get("channels", [])]
    named = len(told) == count and len(set(told)) == count and all(told)
    names = tuple(told) if named else tuple(f"channel {number}" for number in range(count))
    is_color = count == 3 and arrays[0].dtype == np.uint8 and not (named and not _are_colors(names))
    return _picture(path.name, levels, names, scale, is_color=is_color)


def _of_element(element: Any, scale: float) -> Picture:
    from napari_trsmi.data.reading.spatial_elements import levels_of

    rasters = levels_of(element)
    if set(rasters[0].dims) != {"c", "y", "x"}:
        raise InputError(f"The picture has the axes {', '.join(map(str, rasters[0].dims))}.")
    levels = [ChannelsLast(raster.transpose("c", "y", "x").data) for raster in rasters]
    names = tuple(str(channel) for channel in rasters[0].coords["c"].values)
    is_color = len(names) in {3, 4} and _are_colors(names)
    return _picture("picture", levels, names, scale, is_color=is_color)


def _are_colors(names: tuple[str, ...]) -> bool:
    plain = [name.lower() for name in names[:3]]
    return plain in (["r", "g", "b"], ["red", "green", "blue"], ["0", "1", "2"], ["c0", "c1", "c2"])
