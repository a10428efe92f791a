"""Texture of a map over discs: spread, gradients, directions, local patterns, co-occurrences."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.preprocessing.image.footprints import Discs

Named: TypeAlias = "dict[str, NDArray[np.float64]]"

_SCALES = (1.0, 2.0, 4.0)
"""Pixels that gradients are smoothed over."""
_FLAT = 1e-10
_GREYS = 8
"""Levels of grey whose neighbourhoods are counted (Haralick et al. 1973)."""
_HARALICK = ("contrast", "homogeneity", "energy", "correlation", "entropy")
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
_NEIGHBORS = 8
_PATTERNS = _NEIGHBORS + 2
"""Uniform patterns of a pixel's ring (Ojala et al. 2002)."""


def amounts(values: NDArray[np.float32], discs: Sequence[Discs]) -> list[Named]:
    """Mean, spread and gradients at several scales of a map, for each width of the discs."""
    gradients = [ndimage.gaussian_gradient_magnitude(values, sigma) for sigma in _SCALES]
    maps = np.stack([values, np.square(values), *gradients])
    found = []
    for disc in discs:
        mean, square, *steep = disc.means(maps).T
        spread = np.sqrt(np.maximum(square - np.square(mean), 0))
        named = {"mean": mean, "spread": spread}
        found.append(
            named
            | {f"gradient {sigma:g}": slope for sigma, slope in zip(_SCALES, steep, strict=True)}
        )
    return found


def directions(values: NDArray[np.float32], discs: Sequence[Discs]) -> list[Named]:
    """How strongly a map runs in one direction, whichever: coherence of the structure tensor."""
    from skimage.feature import structure_tensor

    tensor = np.stack(structure_tensor(values, sigma=1.0, mode="nearest", order="rc")).astype(
        np.float32
    )
    found = []
    for disc in discs:
        down, mixed, across = disc.means(tensor).T
        total, apart = down + across, np.hypot(down - across, 2 * mixed)
        coherence = np.divide(apart, total, out=np.zeros_like(total), where=total > _FLAT)
        found.append({"coherence": coherence})
    return found


def patterns(greys: NDArray[np.uint8], discs: Sequence[Discs]) -> list[Named]:
    """Share of each local binary pattern, turned alike."""
    from skimage.feature import local_binary_pattern

    codes = local_binary_pattern(greys, _NEIGHBORS, 1, method="uniform").astype(np.int64)
    found = []
    for disc in discs:
        shares = disc.histograms(codes, _PATTERNS) / np.maximum(disc.sizes, 1)[:, np.newaxis]
        found.append({f"pattern {number}": share for number, share in enumerate(shares.T)})
    return found


def co_occurrences(greys: NDArray[np.uint8], discs: Sequence[Discs]) -> list[Named]:
    """Haralick's measures of which greys lie side by side, over all directions."""
    from skimage.feature import graycoprops

    pairs = list(_pairs((greys.astype(np.int64) * _GREYS) >> 8))
    found = []
    for disc in discs:
        counts = sum(disc.histograms(pair, _GREYS**2) for pair in pairs)
        table = np.asarray(counts).reshape(-1, _GREYS, _GREYS)
        table = np.moveaxis(table + table.transpose(0, 2, 1), 0, -1)[..., np.newaxis]
        found.append({what: np.asarray(graycoprops(table, what)).ravel() for what in _HARALICK})
    return found


def _pairs(levels: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield for each direction the number of a pixel's pair; at the margin with itself."""
    for down, across in _DIRECTIONS:
        moved = np.roll(levels, (-down, -across), axis=(0, 1))
        moved[len(moved) - down :] = levels[len(moved) - down :]
        if across:
            edge = slice(-1, None) if across > 0 else slice(None, 1)
            moved[:, edge] = levels[:, edge]
        yield levels * _GREYS + moved
