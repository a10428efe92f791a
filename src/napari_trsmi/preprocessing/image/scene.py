"""What a whole picture looks like, so that each window of it is measured in the same units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.footprints import Discs
from napari_trsmi.preprocessing.image.stains import Stains, find_stains

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_trsmi.preprocessing.image.picture import WorkingLevel

_LOOKS = 200
"""Spots that are looked at to know the picture."""
_PIXELS = 400_000
_LOST = 0.25
"""Share of a spot's pixels that may be no numbers."""
INTENSITY = "intensity"
HAEMATOXYLIN, EOSIN = "haematoxylin", "eosin"
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Scene:
    """What was learned from a sample of the picture.

    Attributes
    ----------
    stains
        None for a picture of channels.
    channels
        Numbers and names of the channels that are measured.
    low, high
        Ends of each map, by its name: 1 and 99 percent.
    middle
        Their medians.
    """

    stains: Stains | None
    channels: dict[str, int]
    low: dict[str, float]
    high: dict[str, float]
    middle: dict[str, float]

    @classmethod
    def of(
        cls,
        level: WorkingLevel,
        places: NDArray[np.float64],
        channels: dict[str, int] | None,
        check: Callable[[], None],
    ) -> Scene:
        """Look at the picture around some of the spots.

        Parameters
        ----------
        level
            The picture.
        places
            (row, column) of all spots that lie on it.
        channels
            To be measured; None for a stained picture.
        check
            Called before each look; what it raises ends them.
        """
        sample = _sample(level, places, check)
        looked_at = list((channels or {}).values()) or slice(None)
        sample = sample[np.isfinite(sample[:, looked_at]).all(axis=1)]
        if not len(sample):
            raise InputError(
                "The picture has no numbers (NaN or infinite) under the spots. Pass another one."
            )
        bare = cls(find_stains(sample) if channels is None else None, channels or {}, {}, {}, {})
        maps = bare._maps(sample[np.newaxis])  # a picture one pixel high
        ends = {name: np.percentile(values, [1, 50, 99]) for name, values in maps.items()}
        return cls(
            bare.stains,
            bare.channels,
            {name: float(end[0]) for name, end in ends.items()},
            {name: float(end[2]) for name, end in ends.items()},
            {name: float(end[1]) for name, end in ends.items()},
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Of the maps."""
        return (INTENSITY, HAEMATOXYLIN, EOSIN) if self.stains is not None else (*self.channels,)

    def maps(self, pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Maps of a window (height, width, channels), a channel's from 0 to 1 by its ends."""
        maps = self._maps(pixels)
        if self.stains is not None:
            return maps
        return {
            name: (values - self.low[name]) / max(self.high[name] - self.low[name], 1e-12)
            for name, values in maps.items()
        }

    def filled(
        self, pixels: NDArray[np.float32], places: NDArray[np.float64], diameter: float
    ) -> NDArray[np.bool_]:
        """Put the channels' medians where a window has no numbers.

        Parameters
        ----------
        pixels
            The window, (height, width, channels); it is changed.
        places
            (row, column) of spots in it.
        diameter
            Of a spot, in pixels.

        Returns
        -------
        Which spots saw few numbers.
        """
        missing = ~np.isfinite(pixels)
        if not missing.any():
            return np.zeros(len(places), dtype=bool)
        measured = [*self.channels.values()] or list(range(pixels.shape[2]))
        lost = np.asarray(missing[..., measured].any(axis=2), dtype=np.float32)
        shape = (pixels.shape[0], pixels.shape[1])
        shares = Discs.around(places, diameter, 1, shape).means(lost[np.newaxis])[:, 0]
        for name, channel in self.channels.items():
            pixels[missing[..., channel], channel] = self.middle[name]
        return np.asarray(shares > _LOST, dtype=bool)

    def greys(self, values: NDArray[np.float32], name: str) -> NDArray[np.uint8]:
        """A map as 256 levels of grey between its ends."""
        low, high = (self.low[name], self.high[name]) if self.stains is not None else (0.0, 1.0)
        share = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
        return np.asarray(255 * share, dtype=np.uint8)

    def _maps(self, pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        if self.stains is None:
            return {name: pixels[..., place] for name, place in self.channels.items()}
        amounts = self.stains.amounts(pixels[..., :3])
        return {
            INTENSITY: (pixels[..., :3] @ _LUMINANCE / 255).astype(np.float32),
            HAEMATOXYLIN: amounts[..., 0],
            EOSIN: amounts[..., 1],
        }


def _sample(
    level: WorkingLevel, places: NDArray[np.float64], check: Callable[[], None]
) -> NDArray[np.float32]:
    """Return pixels under some spots, whatever the order of the spots."""
    ordered = places[np.lexsort(places.T)]
    chosen = ordered[np.unique(np.linspace(0, len(ordered) - 1, _LOOKS).astype(np.int64))]
    half = max(1, round(level.diameter / 2))
    parts = []
    for row, column in np.rint(chosen).astype(np.int64):
        check()
        top, left = max(0, row - half), max(0, column - half)
        rows = slice(top, min(row + half + 1, level.shape[0]))
        columns = slice(left, min(column + half + 1, level.shape[1]))
        window = level.read(rows, columns)
        parts.append(window.reshape(-1, window.shape[2]))
    pixels = np.concatenate(parts)
    return pixels[:: max(1, len(pixels) // _PIXELS)]
