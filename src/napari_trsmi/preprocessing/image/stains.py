"""Haematoxylin and eosin apart: how much of each stain the light passed at a pixel.

Light falls off exponentially with the amount of a stain (Beer-Lambert), so that optical densities
of two stains lie in a plane, between two directions that differ from laboratory to laboratory. They
are found in the picture itself (Macenko et al., ISBI 2009), and amounts are in units of the
picture's own strongest stain: that is what makes two sections comparable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FAINT = 0.15
"""Optical density below which a pixel is glass."""
_EXTREME = 1.0
"""Percent of the directions at either end that are left out."""
_STRONG = 99.0
"""Percentile of an amount that is its unit."""
_LEAST_PIXELS = 500
_LEAST_ANGLE = np.deg2rad(8)
_BLACK = 1.0
_BRIGHT = 140


@dataclass(frozen=True, eq=False)
class Stains:
    """Two stains of a picture.

    Attributes
    ----------
    directions
        Optical density of red, green and blue per unit of haematoxylin and eosin, shape (2, 3).
    white
        Light where there is nothing, shape (3,).
    strong
        Amounts that are one unit, shape (2,).
    found
        Whether they were found in the picture; else they are those of Ruifrok & Johnston (2001).
    """

    directions: NDArray[np.float64]
    white: NDArray[np.float64]
    strong: NDArray[np.float64]
    found: bool

    def amounts(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Haematoxylin and eosin of each pixel, not below 0, shape (..., 2)."""
        unmix = (np.linalg.pinv(self.directions) / self.strong).astype(np.float32)
        amounts: NDArray[np.float32] = np.maximum(_density(pixels, self.white) @ unmix, 0)
        return amounts


def is_stained(pixels: NDArray[Any]) -> bool:
    """Whether a picture is lit from behind: bright where there is nothing."""
    small = np.asarray(pixels[:: max(1, pixels.shape[0] // 256), :: max(1, pixels.shape[1] // 256)])
    return bool(np.percentile(small.max(axis=2), 90) > _BRIGHT)


def find_stains(sample: NDArray[np.float32]) -> Stains:
    """Find the stains of a picture.

    Parameters
    ----------
    sample
        Pixels of the tissue in all its parts, RGB from 0 to 255, shape (n_pixels, 3).
    """
    white = np.maximum(np.percentile(sample, 99.5, axis=0), 200.0).astype(np.float64)
    density = _density(sample, white)
    tissue = density[(density > _FAINT).any(axis=1)]
    directions = _macenko(tissue) if len(tissue) >= _LEAST_PIXELS else None
    found = directions is not None
    if directions is None:
        from skimage.color import rgb_from_hed

        known = np.asarray(rgb_from_hed, dtype=np.float64)[:2]
        directions = known / np.linalg.norm(known, axis=1, keepdims=True)
    amounts = np.maximum(density @ np.linalg.pinv(directions), 0)
    strong = np.maximum(np.percentile(amounts, _STRONG, axis=0), _FAINT)
    return Stains(directions, white, strong, found)


def _density(pixels: NDArray[np.float32], white: NDArray[np.float64]) -> NDArray[np.float32]:
    ratio = np.maximum(pixels, _BLACK) / white.astype(np.float32)
    density: NDArray[np.float32] = np.maximum(-np.log(ratio), 0)
    return density


def _macenko(density: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return the two directions, haematoxylin first; None if the tissue has one colour only."""
    _, axes = np.linalg.eigh(np.cov(density.T))
    plane = axes[:, :0:-1]
    plane = plane * np.where(plane.sum(axis=0) < 0, -1, 1)
    along, across = (density @ plane).T
    angles = np.arctan2(across, along)
    low, high = np.percentile(angles, [_EXTREME, 100 - _EXTREME])
    if high - low < _LEAST_ANGLE:
        return None
    ends = np.array([[np.cos(angle), np.sin(angle)] for angle in (low, high)]) @ plane.T
    ends = np.maximum(ends, 0)
    lengths = np.linalg.norm(ends, axis=1, keepdims=True)
    if (lengths < 1e-6).any():
        return None
    ends /= lengths
    # haematoxylin takes more of the red
    directions: NDArray[np.float64] = ends[np.argsort(-ends[:, 0], kind="stable")]
    return directions
