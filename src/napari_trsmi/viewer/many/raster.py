"""Which spot each pixel of a picture over a section belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PIXELS = 2048 * 2048
_LONGEST = 8192  # pixels a side, which every graphics card takes
_ACROSS = 2  # pixels from a spot to the next
_WIDEST = 4  # pixels of a spot that lies over others
_SOME = 2000  # spots that tell how far all are apart


@dataclass(frozen=True, eq=False)
class SpotRaster:
    """A grid of pixels over some spots.

    Attributes
    ----------
    spot
        Index of the spot that a pixel shows, ``int32``, shape (height, width); `n_spots` where
        there is none.
    corner
        Row and column of the outer corner of the first pixel, where the spots' own are.
    step
        Width of a pixel.
    n_spots
        Number of spots.
    """

    spot: NDArray[np.int32]
    corner: tuple[float, float]
    step: float
    n_spots: int

    @classmethod
    def of(cls, places: NDArray[np.floating], sizes: NDArray[np.floating]) -> SpotRaster:
        """Give every spot the whole of its place, or what it covers if that is more.

        Parts of pixels cannot be left clear, and gaps between spots would show as stripes from
        afar. Where spots lie over each other, the last is on top.

        Parameters
        ----------
        places
            Row and column, shape (n_spots, 2).
        sizes
            Of each, across.
        """
        n_spots = len(places)
        size, pitch = float(np.median(sizes)) or 1.0, _pitch(places)
        low = places.min(axis=0) - size / 2
        extent = np.maximum(places.max(axis=0) + size / 2 - low, size)
        least = max(float(np.sqrt(extent.prod() / _PIXELS)), float(extent.max()) / _LONGEST)
        step = max(least, (pitch or size) / _ACROSS)
        if pitch > step:  # whole pixels from spot to spot: a lattice would be striped
            step = pitch / int(pitch / step)
        side = max(round(pitch / step), min(int(size / step), _WIDEST), 1)
        shape = tuple(int(length) for length in np.ceil(extent / step) + side)
        first = np.rint((places - low) / step - side / 2).astype(np.int64)
        spot = np.full(shape, -1, dtype=np.int32)
        index = np.arange(n_spots, dtype=np.int32)
        for down in range(side):
            for right in range(side):
                row, column = first[:, 0] + down, first[:, 1] + right
                inside = (row >= 0) & (column >= 0) & (row < shape[0]) & (column < shape[1])
                row, column = row[inside], column[inside]
                spot[row, column] = np.maximum(spot[row, column], index[inside])
        spot[spot < 0] = n_spots
        return cls(spot, (float(low[0]), float(low[1])), step, n_spots)

    def at(self, row: float, column: float) -> int | None:
        """The spot that is seen at a place; None if there is none."""
        down = int((row - self.corner[0]) // self.step)
        right = int((column - self.corner[1]) // self.step)
        height, width = self.spot.shape
        if not (0 <= down < height and 0 <= right < width):
            return None
        found = int(self.spot[down, right])
        return found if found < self.n_spots else None

    def painted(self, colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """RGBA of every pixel, of the spots' own; clear where there is no spot.

        Parameters
        ----------
        colors
            RGBA of each spot, shape (n_spots, 4).
        """
        table = np.zeros(self.n_spots + 1, dtype=np.uint32)  # a colour is moved as one number
        table[:-1] = np.ascontiguousarray(colors).view(np.uint32)[:, 0]
        pixels = np.empty(self.spot.shape, dtype=np.uint32)
        table.take(self.spot, out=pixels, mode="clip")
        return pixels.view(np.uint8).reshape(*self.spot.shape, 4)


def _pitch(places: NDArray[np.floating]) -> float:
    """Tell how far spots are apart, by those around one of them: a tree of all takes too long."""
    from scipy.spatial import cKDTree

    some = min(_SOME, len(places))
    away = ((places - places[len(places) // 2]) ** 2).sum(axis=1)
    around = places[np.argpartition(away, some - 1)[:some]]
    apart = np.asarray(cKDTree(around).query(around, k=2)[0])[:, 1]
    apart = apart[np.isfinite(apart) & (apart > 0)]
    return float(np.median(apart)) if apart.size else 0.0
