"""TIFF: the largest picture of a file, by its axes, channels and levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.reading.colors import as_rgb, from_cmyk, white_of
from napari_trsmi.data.reading.memory import check_room
from napari_trsmi.data.reading.pictures import (
    MAX_PIXELS,
    levels_as_rgb,
    reduced_note,
    reduction,
)
from napari_trsmi.data.reading.turns import ORIENTATION, is_turned, turned
from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from io import BytesIO
    from pathlib import Path

    from numpy.typing import NDArray

_MOST_PIXELS = 2**31
"""Beyond this a picture without levels is not read: it would take minutes."""

_TILE = 1024  # pixels a side, that are read at a time for the screen
_PART = 1 << 25  # pixels that are read at a time to reduce them
_COLORS = {"MINISBLACK", "MINISWHITE", "RGB", "YCBCR", "PALETTE", "SEPARATED"}
_RED_GREEN_BLUE = (("r", "red"), ("g", "green"), ("b", "blue"))


@dataclass(frozen=True, eq=False)
class _Slide:
    """A picture of a file: levels as lazy arrays (height, width, channels), finest first."""

    name: str
    levels: list[Any]
    photometric: str
    palette: NDArray[np.uint16] | None
    turn: int


def read_tiff(file: Path | BytesIO, name: str, notes: list[str]) -> TissueImage:
    """Read the largest picture of a TIFF.

    Parameters
    ----------
    file
        The file, or its content.
    name
        How notes and messages call it.
    notes
        Gets a sentence for each thing that was done to it.

    Raises
    ------
    InputError
        When it is no colour picture, or too large for the memory.
    """
    from tifffile import TiffFile

    tiff = TiffFile(file)  # stays open for the levels; closed when nothing refers to it
    series = [each for each in tiff.series if {"Y", "X"} <= set(each.axes)]
    if not series:
        raise InputError(f"{name} holds no picture. Save it as PNG, JPEG or TIFF.")
    largest = max(series, key=lambda each: int(np.prod(each.shape)))
    if len(series) > 1:
        notes.append(
            f"{name} holds {len(series)} pictures: the largest is used "
            f"({largest.shape[largest.axes.index('X')]:,} pixels wide)."
        )
    slide = _slide(largest, _channel_names(tiff), name, notes)
    return _read(slide, notes)


def tiff_channels(path: Path) -> tuple[list[Any], tuple[str, ...], bool]:
    """Open the largest picture of a TIFF with all its channels; nothing is read.

    Parameters
    ----------
    path
        A TIFF of any kind (OME, pyramids, .svs).

    Returns
    -------
    levels
        Lazy arrays (height, width, channels), finest first.
    channels
        Their names.
    is_color
        Whether they are red, green and blue.

    Raises
    ------
    InputError
        When it is no picture, or has several planes.
    """
    from tifffile import TiffFile

    tiff = TiffFile(path)  # stays open for the levels
    series = [each for each in tiff.series if {"Y", "X"} <= set(each.axes)]
    if not series:
        raise InputError(f"{path.name} holds no picture. Save it as a TIFF of one picture.")
    largest = max(series, key=lambda each: int(np.prod(each.shape)))
    sides = dict(zip(largest.axes, largest.shape, strict=True))
    several = {axis: n for axis, n in sides.items() if axis not in "YX" and n > 1}
    if len(several) > 1:
        what = listed([f"{n} along {axis}" for axis, n in several.items()])
        raise InputError(f"{path.name} has several planes ({what}). Save one of them by itself.")
    levels = _lazy_levels(largest, path.name, None)
    count = int(levels[0].shape[2])
    photometric = str(getattr(largest.keyframe.photometric, "name", ""))
    is_color = photometric in {"RGB", "YCBCR"} and count in {3, 4}
    names = _channel_names(tiff)
    if is_color:
        names = ["red", "green", "blue", "alpha"][:count]
    elif len(names) != count or len(set(names)) < count or not all(names):
        names = [f"channel {number}" for number in range(count)]
    return levels, tuple(names), is_color


def _slide(series: Any, channels: list[str], name: str, notes: list[str]) -> _Slide:
    page = series.keyframe
    levels = _lazy_levels(series, name, _order(series, channels, name, notes))
    tag = page.tags.get(ORIENTATION)
    turn = int(tag.value) if tag is not None else 1
    photometric = str(page.photometric.name)
    if photometric not in _COLORS:
        raise InputError(
            f"{name} stores its colours as {photometric}, which is not read. Save it as RGB."
        )
    return _Slide(name, levels, photometric, page.colormap, turn)


def _lazy_levels(series: Any, name: str, order: list[int] | None) -> list[Any]:
    import dask.array as da
    import zarr

    from_array: Any = da.from_array
    levels = []
    for number, level in enumerate(series.levels):
        _check_whole(level, name)
        opened = zarr.open_array(series.aszarr(level=number), mode="r")
        sides = dict(zip(level.axes, opened.shape, strict=True))
        chunk = dict(zip(level.axes, opened.chunks, strict=True))
        part = int(np.prod([*opened.chunks]) * opened.dtype.itemsize)
        whole = f"({sides['X']:,} x {sides['Y']:,} pixels)"
        check_room(2 * part, f"One part of the picture {name} {whole}")
        tile = tuple(
            min(sides[axis], max(chunk[axis], _TILE)) if axis in "YX" else sides[axis]
            for axis in level.axes
        )
        levels.append(_upright(from_array(opened, chunks=tile, name=False), level.axes, order))
    return levels


def _check_whole(level: Any, name: str) -> None:
    """Raise an InputError if the file ends before the picture: the decoder would fill in black."""
    end = level.keyframe.parent.filehandle.size
    for page in level.pages:
        parts = () if page is None else zip(page.dataoffsets, page.databytecounts, strict=False)
        if any(offset + count > end for offset, count in parts):
            raise InputError(f"{name} is cut off: its last part is missing. Copy it again.")


def _upright(array: Any, axes: str, order: list[int] | None) -> Any:
    """Return (height, width, channels), the channels in the order of the colours."""
    import dask.array as da

    others = [axis for axis in axes if axis not in "YX"]
    kept = [axis for axis in others if array.shape[axes.index(axis)] > 1 or axis == "S"]
    for axis in others:
        if axis not in kept:
            array = da.take(array, 0, axis=axes.index(axis))
            axes = axes.replace(axis, "")
    array = da.moveaxis(array, [axes.index("Y"), axes.index("X")], [0, 1])
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if order is not None:
        array = array[..., order]
    return array.rechunk((*array.chunks[:2], (array.shape[2],)))


def _order(series: Any, channels: list[str], name: str, notes: list[str]) -> list[int] | None:
    """Return the channels' places as colours; None if they are colours in order.

    Raises
    ------
    InputError
        If they are no colours.
    """
    sides = dict(zip(series.axes, series.shape, strict=True))
    if min(sides["Y"], sides["X"]) < 1:
        raise InputError(f"{name} is empty. Copy it again.")
    extra = {axis: n for axis, n in sides.items() if axis not in "YXS" and n > 1}
    if not extra:
        if sides.get("S", 1) not in {1, 3, 4, 5}:  # 5: inks with alpha
            raise InputError(_no_colors(name, f"{sides['S']} samples a pixel"))
        return None
    if set(extra) != {"C"} or sides.get("S", 1) > 1:
        what = listed([f"{n} along {axis}" for axis, n in extra.items()])
        raise InputError(_no_colors(name, f"several planes ({what})"))
    plain = [channel.strip().lower() for channel in channels]
    found = [
        next((i for i, n in enumerate(plain) if n in names), None) for names in _RED_GREEN_BLUE
    ]
    if extra["C"] == 3 and None not in found:
        return [place for place in found if place is not None]
    unnamed = not any(plain) or all(n.startswith(("channel", "c:", "ch")) for n in plain)
    if extra["C"] == 3 and unnamed and series.dtype == np.uint8:
        notes.append(f"The three channels of {name} are taken as red, green and blue.")
        return None
    called = f": {', '.join(channels[:6])}" if any(channels) else ""
    raise InputError(_no_colors(name, f"{extra['C']} channels{called}"))


def _no_colors(name: str, what: str) -> str:
    return (
        f"{name} is no colour picture: it has {what}. Its channels can be a modality, with "
        "image_features={'picture': PATH} or opened in napari by itself; or save the H&E as an RGB "
        "TIFF."
    )


def _channel_names(tiff: Any) -> list[str]:
    """Return what OME or ImageJ call the channels of the first picture, empty if they do not."""
    from tifffile import xml2dict

    if tiff.ome_metadata:
        images = xml2dict(tiff.ome_metadata).get("OME", {}).get("Image", {})
        first = images[0] if isinstance(images, (list, tuple)) else images
        found = first.get("Pixels", {}).get("Channel", [])
        named = found if isinstance(found, (list, tuple)) else [found]
        return [str(channel.get("Name", "")) for channel in named if isinstance(channel, dict)]
    return [str(label) for label in (tiff.imagej_metadata or {}).get("Labels", [])]


def _read(slide: _Slide, notes: list[str]) -> TissueImage:
    full = slide.levels[0]
    height, width = full.shape[:2]
    handy = next((level for level in slide.levels if _size(level) <= MAX_PIXELS), None)
    if is_turned(slide.turn):
        notes.append(f"{slide.name} is turned as its orientation says.")
    if _size(full) <= MAX_PIXELS:
        check_room(4 * full.nbytes, f"The picture {slide.name} ({width:,} x {height:,} pixels)")
        values = full.compute(scheduler="synchronous")
        return TissueImage(turned(_rgb(values, slide, _top(values, slide)), slide.turn))
    if handy is None:
        if _size(slide.levels[-1]) > _MOST_PIXELS:
            raise InputError(
                f"{slide.name} has {width:,} x {height:,} pixels and no smaller level. Save it as "
                "a pyramid (OME-TIFF), or at a lower resolution with image_scale."
            )
        top = _top_of_parts(slide.levels[-1], slide)
        pixels = _reduced(slide.levels[-1], slide, top)
    else:
        values = handy.compute(scheduler="synchronous")
        top = _top(values, slide)
        pixels = _rgb(values, slide, top)
    scale = pixels.shape[1] / width
    notes.append(reduced_note(slide.name, height, width, round(1 / scale)))
    shown: tuple[Any, ...] = ()
    if not is_turned(slide.turn) and slide.photometric in {"RGB", "YCBCR", "MINISBLACK"}:
        larger = [level for level in slide.levels if _size(level) > MAX_PIXELS]
        shown = levels_as_rgb(larger, slide.name, top)
    return TissueImage(turned(pixels, slide.turn), scale, levels=shown)


def _size(level: Any) -> int:
    return int(level.shape[0]) * int(level.shape[1])


def _top(values: NDArray[Any], slide: _Slide) -> float:
    return 255.0 if slide.photometric in {"PALETTE", "SEPARATED"} else white_of(values, slide.name)


def _parts(level: Any) -> list[slice]:
    """Rows that are read at a time: whole chunks."""
    rows = max(1, int(level.chunks[0][0]))
    step = max(1, _PART // (rows * int(level.shape[1]))) * rows
    return [slice(row, row + step) for row in range(0, int(level.shape[0]), step)]


def _top_of_parts(level: Any, slide: _Slide) -> float:
    if level.dtype == np.uint8:
        return 255.0
    tops = [_top(level[rows].compute(scheduler="synchronous"), slide) for rows in _parts(level)]
    return max(tops)


def _reduced(level: Any, slide: _Slide, top: float) -> NDArray[np.uint8]:
    """Return means over squares of pixels, reading some rows at a time."""
    height, width = (int(side) for side in level.shape[:2])
    factor = reduction(height, width)
    rows, columns = height // factor, width // factor
    reduced = np.empty((rows, columns, 3), dtype=np.uint8)
    step = max(1, _PART // (factor * width))
    for first in range(0, rows, step):
        last = min(first + step, rows)
        part = level[first * factor : last * factor].compute(scheduler="synchronous")
        colors = _rgb(part, slide, top)[:, : columns * factor]
        squares = colors.reshape(last - first, factor, columns, factor, 3)
        reduced[first:last] = np.rint(squares.mean(axis=(1, 3), dtype=np.float32))
    return reduced


def _rgb(values: NDArray[Any], slide: _Slide, top: float) -> NDArray[np.uint8]:
    if slide.photometric == "PALETTE" and slide.palette is not None:
        colors: NDArray[np.uint8] = (slide.palette >> 8).astype(np.uint8)[:, values[..., 0]]
        return np.ascontiguousarray(np.moveaxis(colors, 0, -1))
    if slide.photometric == "SEPARATED":
        if values.dtype != np.uint8:
            raise InputError(f"{slide.name} has inks of {values.dtype}. Save it as 8-bit RGB.")
        return from_cmyk(values)
    if slide.photometric == "MINISWHITE":
        values = (top - values).astype(values.dtype)
    return as_rgb(values, slide.name, top)
