"""A picture that is measured: its levels, its channels, and where the spots lie on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.reading.colors import as_rgb, white_of
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.stains import is_stained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage

_WORKING = 48
"""Pixels of a spot's diameter that are enough: a nucleus of 7 of Visium's 55 µm has 6 of them."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels of any size, in memory or lazy, free of layers: any thread may read them.

    Attributes
    ----------
    name
        How messages call it.
    levels
        Arrays (height, width, channels), finest first.
    matrix
        From (x, y, 1) in coordinate units to (column, row) of the finest level, whole numbers at
        the centres of its pixels; shape (2, 3).
    channels
        Their names.
    stained
        Whether the channels are red, green and blue of a stain that light shines through.
    """

    name: str
    levels: tuple[Any, ...]
    matrix: NDArray[np.float64]
    channels: tuple[str, ...]
    stained: bool

    @classmethod
    def of_tissue(cls, image: TissueImage, name: str = "image") -> Picture:
        """The picture that a section's tissue image is, with all its levels.

        A dark one shows what glows in three colours, and no stains.
        """
        levels = (*image.levels, image.pixels)
        scale = image.scale * levels[0].shape[1] / image.pixels.shape[1]
        stained = is_stained(image.pixels)
        return cls(name, levels, scaled_only(scale), ("red", "green", "blue"), stained)

    @property
    def scale(self) -> float:
        """Pixels of the finest level per coordinate unit."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def at(self, diameter: float, *, working: int = _WORKING) -> WorkingLevel:
        """The coarsest level that still shows spots of a diameter well, in coordinate units.

        It is made from means over squares of pixels where the levels lie too far apart; `working`
        pixels of a diameter are enough.
        """
        finest = self.levels[0].shape[1]
        pixels = diameter * self.scale
        chosen, shrinkage = self.levels[0], 1.0
        for level in self.levels[1:]:
            smaller = level.shape[1] / finest
            if pixels * smaller >= working:
                chosen, shrinkage = level, smaller
        factor = max(1, int(pixels * shrinkage // working))
        shape = (chosen.shape[0] // factor, chosen.shape[1] // factor)
        if min(shape) < 1:
            raise InputError(
                f"The picture {self.name!r} has {self.levels[0].shape[1]} x "
                f"{self.levels[0].shape[0]} pixels, less than a spot. Pass the right picture, or "
                "its scale with image_scale=."
            )
        total = shrinkage / factor
        matrix = self.matrix * total
        matrix[:, 2] += (total - 1) / 2  # the edges of pixels stay where they are
        return WorkingLevel(chosen, factor, shape, matrix, pixels * total)


@dataclass(frozen=True, eq=False)
class WorkingLevel:
    """The resolution at which a picture is measured.

    Attributes
    ----------
    array
        Level that is read.
    factor
        Its pixels a side that make one.
    shape
        Height and width.
    matrix
        As of `Picture`, to pixels of this level.
    diameter
        Of a spot, in pixels.
    """

    array: Any
    factor: int
    shape: tuple[int, int]
    matrix: NDArray[np.float64]
    diameter: float

    def places(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        """(row, column) of coordinates, whole numbers at the centres of pixels."""
        places: NDArray[np.float64] = coordinates @ self.matrix[:, :2].T + self.matrix[:, 2]
        return places[:, ::-1]

    def read(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Pixels of a window inside the level, (height, width, channels)."""
        f = self.factor
        part = np.asarray(
            self.array[rows.start * f : rows.stop * f, columns.start * f : columns.stop * f]
        )
        if f == 1:
            return part.astype(np.float32)
        height, width = rows.stop - rows.start, columns.stop - columns.start
        squares = part.reshape(height, f, width, f, part.shape[2])
        means: NDArray[np.float32] = squares.mean(axis=(1, 3), dtype=np.float32)
        return means


class ChannelsLast:
    """An array (..., height, width) looked at as (height, width, channels), read where asked."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape = (*array.shape[-2:], int(np.prod(array.shape[:-2])))
        self.dtype = array.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        part = np.asarray(self._array[(..., *window)])
        return np.moveaxis(part.reshape(-1, *part.shape[-2:]), 0, -1)


class Colors:
    """Colours of any type, looked at as red, green and blue of 8 bits on white."""

    def __init__(self, array: Any, top: float) -> None:
        self._array, self._top = array, top
        self.shape = (*array.shape[:2], 3)
        self.dtype = np.dtype(np.uint8)

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        return as_rgb(np.asarray(self._array[window]), "The picture", self._top)


def colored(levels: Sequence[Any], name: str) -> tuple[Any, ...]:
    """Levels of a colour picture as `Colors`, where they are not 8 bits without alpha already.

    Raises
    ------
    InputError
        If the values are no colours.
    """
    if all(level.dtype == np.uint8 and level.shape[2] == 3 for level in levels):
        return tuple(levels)
    top = white_of(middle_of(levels[-1]), name)
    return tuple(Colors(level, top) for level in levels)


def middle_of(level: Any) -> NDArray[Any]:
    """A part of a level from its middle that fits the memory."""
    height, width = level.shape[:2]
    down, across = max(0, height // 2 - 1024), max(0, width // 2 - 1024)
    return np.asarray(level[down : down + 2048, across : across + 2048])


def scaled_only(scale: float) -> NDArray[np.float64]:
    """Return the matrix of a picture that a scale alone parts from the coordinates."""
    return np.array([[scale, 0.0, 0.0], [0.0, scale, 0.0]])
