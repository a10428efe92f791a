"""Discs of pixels around spots, and sums over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESOLVED = 24.0
"""Pixels of a spot's diameter above which wider discs are looked at more coarsely."""


@dataclass(frozen=True, eq=False)
class Discs:
    """Discs around spots in a window.

    Attributes
    ----------
    step
        Pixels of the window that are one here, a side.
    shape
        Height and width of the window in these.
    flat
        Number of each disc's pixels in the raveled window, shape (n_spots, n_pixels).
    inside
        Whether they lie in the window, same shape.
    """

    step: int
    shape: tuple[int, int]
    flat: NDArray[np.int64]
    inside: NDArray[np.bool_]

    @classmethod
    def around(
        cls,
        places: NDArray[np.float64],
        diameter: float,
        footprint: int,
        shape: tuple[int, int],
    ) -> Discs:
        """Discs of `footprint` times the spots' diameter.

        Parameters
        ----------
        places
            (row, column) in the window, shape (n_spots, 2).
        diameter
            Of a spot, in pixels. A disc has one pixel at least.
        footprint
            How many diameters.
        shape
            Of the window; whole numbers of `footprint`.
        """
        step = footprint if diameter >= _RESOLVED else 1
        height, width = shape[0] // step, shape[1] // step
        reach = diameter * footprint / step / 2
        grid = np.arange(-int(reach) - 1, int(reach) + 2)
        down, across = (axis.ravel() for axis in np.meshgrid(grid, grid, indexing="ij"))
        near = np.hypot(down, across) <= reach
        near |= (down == 0) & (across == 0)
        centers = np.rint((places + 0.5) / step - 0.5).astype(np.int64)
        rows = centers[:, :1] + down[near]
        columns = centers[:, 1:] + across[near]
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        flat = np.clip(rows, 0, height - 1) * width + np.clip(columns, 0, width - 1)
        return cls(step, (height, width), flat, inside)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Pixels of each disc that lie in the window."""
        return np.asarray(self.inside.sum(axis=1), dtype=np.int64)

    def means(self, maps: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean over each disc of maps of the window, (n_maps, height, width).

        Returns
        -------
        ndarray
            Shape (n_spots, n_maps).
        """
        count = len(maps)
        rows, columns = self.shape
        if self.step > 1:
            cut = maps[:, : rows * self.step, : columns * self.step]
            squares = cut.reshape(count, rows, self.step, columns, self.step)
            maps = squares.mean(axis=(2, 4), dtype=np.float32)
        n_spots, n_pixels = self.flat.shape
        weights = self.inside / np.maximum(self.sizes, 1)[:, np.newaxis]
        average = sp.csr_array(
            (weights.ravel(), self.flat.ravel(), np.arange(n_spots + 1) * n_pixels),
            shape=(n_spots, rows * columns),
        )
        means: NDArray[np.float64] = average @ maps.reshape(count, -1).T.astype(np.float64)
        return means

    def histograms(self, codes: NDArray[np.integer], n_codes: int) -> NDArray[np.float64]:
        """How often each code is in each disc, of a map of codes (height, width).

        Returns
        -------
        ndarray
            Shape (n_spots, n_codes).
        """
        rows, columns = self.shape
        cut = codes[: rows * self.step, : columns * self.step]
        seen = cut[:: self.step, :: self.step].ravel()[self.flat]
        spot = np.arange(len(self.flat))[:, np.newaxis] * n_codes
        counts = np.bincount((seen + spot)[self.inside].ravel(), minlength=len(self.flat) * n_codes)
        return counts.reshape(len(self.flat), n_codes).astype(np.float64)
