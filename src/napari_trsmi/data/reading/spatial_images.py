"""The tissue image of a SpatialData: the one in register with the spots, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.reading.colors import as_rgb, white_of
from napari_trsmi.data.reading.pictures import MAX_PIXELS, levels_as_rgb, reduction
from napari_trsmi.data.reading.spatial_elements import levels_of, systems_of
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_HANDY = 2**24
"""Pixels that serve for most: a picture is not taken larger than that if it has other levels."""

_COLORS = [["r", "g", "b"], ["red", "green", "blue"], ["0", "1", "2"], ["c0", "c1", "c2"]]


@dataclass(frozen=True, eq=False)
class _Picture:
    """A colour picture, and the matrix from the spots' coordinates to its pixels."""

    name: str
    levels: list[Any]
    matrix: NDArray[np.float64]

    @property
    def scale(self) -> float:
        """Pixels per coordinate unit."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:2, :2]))))

    @property
    def is_scaled_only(self) -> bool:
        """Whether nothing but a scale parts it from the spots."""
        expected = np.diag([self.scale, self.scale, 1.0])
        shift = np.abs(self.matrix[:2, 2]).max()
        return bool(np.allclose(self.matrix[:2, :2], expected[:2, :2], rtol=1e-3) and shift < 0.5)


def image_for(
    data: Any,
    systems: dict[str, NDArray[np.float64]],
    label: str,
    notes: list[str],
) -> TissueImage | None:
    """Return the finest colour picture that shares a coordinate system with the spots.

    Parameters
    ----------
    data
        The SpatialData.
    systems
        The spots' systems, as of `napari_trsmi.data.reading.spatial_elements.systems_of`.
    label
        How messages call the table.
    notes
        Gets a sentence that says which is taken, and why others are not.

    Returns
    -------
    One that is shifted, turned or mirrored against the spots is drawn anew in their frame.
    """
    found, refused = [], []
    for name, raster in data.images.items():
        picture = _picture(name, raster, systems)
        if isinstance(picture, str):
            refused.append(f"{name!r} {picture}")
        else:
            found.append(picture)
    if not found:
        if refused:
            notes.append(f"No image of table {label} is used: {'; '.join(refused)}.")
        return None
    best = max(found, key=lambda picture: (picture.is_scaled_only, picture.scale))
    try:
        image = _scaled(best) if best.is_scaled_only else _redrawn(best)
    except InputError as error:
        notes.append(f"{error} It is left out.")
        return None
    how = "" if best.is_scaled_only else ", drawn anew in the spots' frame"
    notes.append(
        f"The tissue image of table {label} is {best.name!r}, at scale {image.scale:.4g}{how}."
    )
    return image


def placed_picture(
    name: str, pixels: NDArray[Any], matrix: NDArray[np.float64], levels: Sequence[Any] = ()
) -> TissueImage:
    """Place a picture in the spots' frame.

    Parameters
    ----------
    name
        How messages call it.
    pixels
        Colours, (height, width, channels).
    matrix
        3 x 3, from the spots' (x, y) to these pixels.
    levels
        The same at higher resolutions, finest first.

    Returns
    -------
    Drawn anew where more than a scale parts it from the spots.

    Raises
    ------
    InputError
        When it lies beside the spots.
    """
    larger = levels[0].shape[1] / pixels.shape[1] if levels else 1.0
    finest = np.diag([larger, larger, 1.0]) @ matrix
    picture = _Picture(name, [*levels, pixels], finest)
    return _scaled(picture) if picture.is_scaled_only else _redrawn(picture)


def _picture(name: str, raster: Any, systems: dict[str, NDArray[np.float64]]) -> _Picture | str:
    """Return an image as a picture, or why it is none."""
    levels = levels_of(raster)
    if set(levels[0].dims) != {"c", "y", "x"}:
        return f"has the axes {', '.join(map(str, levels[0].dims))}"
    levels = [level.transpose("y", "x", "c") for level in levels]
    channels = [str(channel).lower() for channel in levels[0].coords["c"].values]
    if len(channels) not in {3, 4} or channels[:3] not in _COLORS:
        return f"is no colour picture (channels {', '.join(channels[:6])})"
    own = systems_of(raster)
    shared = [system for system in systems if system in own]
    if not shared:
        return f"shares no coordinate system with the spots ({', '.join(own)})"
    try:
        matrix = np.asarray(np.linalg.solve(own[shared[0]], systems[shared[0]]), dtype=np.float64)
    except np.linalg.LinAlgError:
        return "has a transformation that cannot be undone"
    return _Picture(name, [level.data for level in levels], matrix)


def _scaled(picture: _Picture) -> TissueImage:
    pixels, share = _handy(picture)
    larger = [level for level in picture.levels if _size(level) > _size(pixels)]
    shown: tuple[Any, ...] = ()
    if larger and all(hasattr(level, "chunks") for level in larger):
        top = 255.0 if larger[0].dtype == np.uint8 else white_of(pixels, picture.name)
        lazy = [level.rechunk((*level.chunks[:2], (level.shape[2],))) for level in larger]
        shown = levels_as_rgb(lazy, picture.name, top)
    return TissueImage(as_rgb(pixels, f"Image {picture.name!r}"), picture.scale * share, shown)


def _handy(picture: _Picture) -> tuple[NDArray[Any], float]:
    """Return pixels of a size that fits the memory, and their share of the finest level's width."""
    full = picture.levels[0]
    fitting = [level for level in picture.levels if _size(level) <= _HANDY]
    level = fitting[0] if fitting else picture.levels[-1]
    values = level
    if _size(level) > MAX_PIXELS:
        import dask.array as da

        factor = reduction(*level.shape[:2])
        dask: Any = da  # whose functions have no types
        means = dask.coarsen(np.mean, dask.asarray(level), {0: factor, 1: factor}, trim_excess=True)
        values = means.astype(level.dtype)
    pixels = np.asarray(values)
    reduced = level.shape[1] // pixels.shape[1]
    return pixels, float(level.shape[1] / reduced / full.shape[1])


def _redrawn(picture: _Picture) -> TissueImage:
    """Draw a picture anew, so that a scale takes the spots' coordinates to its pixels."""
    from PIL import Image

    pixels, share = _handy(picture)
    to_pixels = np.diag([share, share, 1.0]) @ picture.matrix
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
    right, lower = (corners @ np.linalg.inv(to_pixels).T)[:, :2].max(axis=0)
    if min(right, lower) <= 0:
        raise InputError(
            f"Image {picture.name!r} lies where coordinates are negative, beside the spots."
        )
    scale = picture.scale * share
    scale = min(scale, float(np.sqrt(_HANDY / (right * lower))))
    step = to_pixels @ np.diag([1 / scale, 1 / scale, 1.0])
    size = (max(1, round(right * scale)), max(1, round(lower * scale)))
    drawn = Image.fromarray(as_rgb(pixels, f"Image {picture.name!r}")).transform(
        size,
        Image.Transform.AFFINE,
        tuple(step[:2].ravel()),
        Image.Resampling.BILINEAR,
        fillcolor=(255, 255, 255),
    )
    return TissueImage(np.asarray(drawn), scale)


def _size(level: Any) -> int:
    return int(level.shape[0]) * int(level.shape[1])
