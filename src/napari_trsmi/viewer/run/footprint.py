"""What an image shows at each spot: means over the spots' discs.

An image may be far larger than memory (dask, zarr, multiscale): only the tiles that spots lie in
are read, each once, from the coarsest level that still resolves a spot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.picture import ChannelsLast, Picture, colored
from napari_trsmi.preprocessing.image.stains import is_stained
from napari_trsmi.viewer.plane import Plane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.layers import Image
    from numpy.typing import NDArray

_TILE = 2048  # pixels a side
_RADIUS = 4.0  # pixels of a spot's radius that are enough
_GATHERED = 1 << 22  # values held at a time


@dataclass(frozen=True, eq=False)
class ImageSampler:
    """An image layer's pixels and where they lie, free of the layer: any thread may read it.

    Attributes
    ----------
    name
        Of the layer.
    levels
        Arrays of shape (..., height, width), or (..., height, width, channels) for colours,
        finest first.
    plane
        From pixels of the finest level to the world.
    rgb
        Whether the last axis holds colours.
    channels
        What other channels are called, if their file says it.
    """

    name: str
    levels: tuple[Any, ...]
    plane: Plane
    rgb: bool
    channels: tuple[str, ...] = ()

    @classmethod
    def of(cls, layer: Image, channels: tuple[str, ...] = ()) -> ImageSampler:
        """The sampler of an image layer."""
        levels = tuple(layer.data) if layer.multiscale else (layer.data,)
        return cls(layer.name, levels, Plane.of(layer), bool(layer.rgb), channels)

    @property
    def n_channels(self) -> int:
        """Number of colours or channels."""
        return 3 if self.rgb else int(np.prod(self.levels[0].shape[:-2]))

    def picture(self, coordinates: NDArray[np.float64], world: NDArray[np.float64]) -> Picture:
        """The image as a picture to be measured.

        Parameters
        ----------
        coordinates
            x and y of spots, shape (n_spots, 2).
        world
            The same spots as (row, column) in the world.
        """
        pixels = self.plane.to_data(world)[:, ::-1]
        known = np.column_stack([coordinates, np.ones(len(coordinates))])
        matrix = np.asarray(np.linalg.lstsq(known, pixels, rcond=None)[0].T, dtype=np.float64)
        if self.rgb:
            # the first of a stack of sections, if it is one
            first = [level[(0,) * (level.ndim - 3)] for level in self.levels]
            levels = colored(first, self.name)
            stained = is_stained(levels[-1])
            return Picture(self.name, levels, matrix, self.channel_names, stained)
        levels = tuple(map(ChannelsLast, self.levels))
        return Picture(self.name, levels, matrix, self.channel_names, stained=False)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What its colours or channels are called; by the layer and a number if nothing tells."""
        if self.rgb:
            return ("red", "green", "blue")
        if len(self.channels) == self.n_channels:
            return self.channels
        if self.n_channels == 1:
            return (self.name,)
        return tuple(f"{self.name} {channel}" for channel in range(self.n_channels))

    @property
    def feature_names(self) -> list[str]:
        """What `sample` measures: mean and spread of each colour, or the mean of each channel."""
        if self.rgb:
            colors = self.channel_names
            return [f"{color} {what}" for what in ("mean", "spread") for color in colors]
        return list(self.channel_names)

    def sample(
        self,
        world: NDArray[np.float64],
        diameter: float,
        check: Callable[[], None] = lambda: None,
    ) -> NDArray[np.float32]:
        """Measure the image at spots.

        Parameters
        ----------
        world
            Centres of the spots as (row, column) in the world, shape (n_spots, 2).
        diameter
            Of a spot, in world units. A spot smaller than a pixel gets the pixel that it lies in.
        check
            Called before each tile is read; what it raises ends the sampling.

        Returns
        -------
        ``float32``, shape (n_spots, n_features), columns as in `feature_names`.

        Raises
        ------
        InputError
            If a spot does not touch the image.
        """
        level, shrinkage = self._level(diameter)
        # Pixel centres are whole numbers on every level.
        pixels = (self.plane.to_data(world) + 0.5) * shrinkage - 0.5
        offsets = _disc(self.plane.matrix / shrinkage, diameter / 2)
        shape = np.array(level.shape[-3:-1] if self.rgb else level.shape[-2:])
        centres = np.rint(pixels).astype(np.int64)
        self._check_inside(centres, offsets, shape)
        measured = np.empty((len(world), len(self.feature_names)), dtype=np.float32)
        for spots, corner, tile in self._tiles(level, centres, offsets, shape):
            check()
            step = max(1, _GATHERED // (len(offsets) * len(tile)))
            for start in range(0, len(spots), step):
                some = spots[start : start + step]
                measured[some] = self._measure(tile, centres[some] - corner, offsets)
        return measured

    def _level(self, diameter: float) -> tuple[Any, NDArray[np.float64]]:
        """Return the level to read and its size relative to the finest one's."""
        axes = slice(-3, -1) if self.rgb else slice(-2, None)
        finest = np.array(self.levels[0].shape[axes])
        radius = diameter / 2 / self.plane.magnification
        chosen, shrinkage = self.levels[0], np.ones(2)
        for level in self.levels[1:]:
            smaller = np.array(level.shape[axes]) / finest
            if radius * smaller.min() >= _RADIUS:
                chosen, shrinkage = level, smaller
        return chosen, shrinkage

    def _check_inside(
        self,
        centres: NDArray[np.int64],
        offsets: NDArray[np.int64],
        shape: NDArray[np.int64],
    ) -> None:
        low, high = offsets.min(axis=0), offsets.max(axis=0)
        outside = np.any((centres + high < 0) | (centres + low >= shape), axis=1)
        if outside.any():
            raise InputError(
                f"{counted(int(outside.sum()), 'spot')} of {len(centres):,} lie outside the image "
                f"{self.name!r}. Check that it shows this section and is in register, or leave it "
                "out."
            )

    def _tiles(
        self,
        level: Any,
        centres: NDArray[np.int64],
        offsets: NDArray[np.int64],
        shape: NDArray[np.int64],
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]]:
        """Group spots by tile: their numbers, the tile's corner, (channels, height, width)."""
        tile_of = centres // _TILE
        numbers = np.unique(tile_of, axis=0, return_inverse=True)[1].ravel()
        by_tile = np.argsort(numbers, kind="stable")
        for spots in np.split(by_tile, np.flatnonzero(np.diff(numbers[by_tile])) + 1):
            corner = np.maximum(centres[spots].min(axis=0) + offsets.min(axis=0), 0)
            end = np.minimum(centres[spots].max(axis=0) + offsets.max(axis=0) + 1, shape)
            rows, columns = (slice(*edges) for edges in zip(corner, end, strict=True))
            if self.rgb:
                pixels = np.asarray(level[..., rows, columns, :3])
                # the first of a stack of sections, if it is one
                tile = np.moveaxis(pixels.reshape(-1, *pixels.shape[-3:])[0], -1, 0)
            else:
                pixels = np.asarray(level[..., rows, columns])
                tile = pixels.reshape(-1, *pixels.shape[-2:])
            yield spots, corner, tile

    def _measure(
        self, tile: NDArray[Any], centres: NDArray[np.int64], offsets: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        places = centres[:, np.newaxis] + offsets
        limit = np.array(tile.shape[1:])
        inside = np.all((places >= 0) & (places < limit), axis=2)
        rows, columns = np.moveaxis(np.clip(places, 0, limit - 1), 2, 0)
        values = tile[:, rows, columns].astype(np.float64)
        share = inside / inside.sum(axis=1, keepdims=True)
        mean: NDArray[np.float64] = (values * share).sum(axis=2)
        if not self.rgb:
            return mean.T
        spread: NDArray[np.float64] = np.sqrt(
            ((values - mean[..., np.newaxis]) ** 2 * share).sum(axis=2)
        )
        return np.concatenate([mean, spread]).T


def _disc(matrix: NDArray[np.float64], radius: float) -> NDArray[np.int64]:
    """Pixels whose centres are at most `radius` in the world from a pixel's centre, (k, 2)."""
    reach = np.ceil(radius * np.linalg.norm(np.linalg.inv(matrix), axis=1)).astype(int)
    rows, columns = np.mgrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    offsets = np.column_stack([rows.ravel(), columns.ravel()])
    near = np.linalg.norm(offsets @ matrix.T, axis=1) <= radius
    near |= ~offsets.any(axis=1)
    kept: NDArray[np.int64] = offsets[near]
    return kept
