"""Nuclei in a map of haematoxylin: where they are, how large and how round.

A nucleus is a dark blob, so it is where the Laplacian of Gaussian is most negative over place and
scale (Lindeberg, Int. J. Comput. Vis. 30, 1998). The scale gives its size, and the curvatures along
and across give its shape. Nuclei that touch stay apart, which a threshold would join.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_CONTRAST = 0.2
"""Least response, of the step from the tissue's median to its strongest stain."""

MEASURES = ("nuclei", "nuclei area", "nuclei area spread", "nuclei elongation", "nuclei stain")


@dataclass(frozen=True, eq=False)
class Nuclei:
    """Nuclei of a window.

    Attributes
    ----------
    places
        (row, column), shape (n, 2).
    areas
        In pixels.
    elongation
        0 for a disc, towards 1 for a thread.
    stain
        Haematoxylin at the centre.
    """

    places: NDArray[np.float64]
    areas: NDArray[np.float64]
    elongation: NDArray[np.float64]
    stain: NDArray[np.float64]


def blob_scales(diameter: float, nucleus: float | None) -> tuple[float, ...]:
    """Return the scales that nuclei are sought at, in pixels.

    Parameters
    ----------
    diameter
        Of a spot, in pixels.
    nucleus
        Of a nucleus, in pixels, if it is known. Else all that a spot has several of are sought.
    """
    low, high = (1.4, diameter / 12) if nucleus is None else (nucleus / 4.5, nucleus / 1.8)
    low = max(low, 1.0)
    return tuple(np.geomspace(low, max(high, 1.5 * low), 4))


def find_nuclei(
    haematoxylin: NDArray[np.float32],
    scales: Sequence[float],
    *,
    background: float,
    strong: float,
) -> Nuclei:
    """Find the nuclei of a window.

    Parameters
    ----------
    haematoxylin
        Shape (height, width).
    scales
        See `blob_scales`.
    background, strong
        Of the whole picture: median of the tissue, and what its nuclei reach.
    """
    from skimage.feature import peak_local_max

    response = np.full(haematoxylin.shape, -np.inf, dtype=np.float32)
    best = np.zeros(haematoxylin.shape, dtype=np.int8)
    for number, sigma in enumerate(scales):
        here = -(sigma**2) * ndimage.gaussian_laplace(haematoxylin, sigma)
        better = here > response
        response[better] = here[better]
        best[better] = number
    least = _CONTRAST * max(strong - background, 1e-3)
    peaks = peak_local_max(
        response,
        min_distance=max(1, round(scales[0])),
        threshold_abs=least,
        exclude_border=False,
    )
    rows, columns = peaks.T
    found = best[rows, columns]
    elongation = np.zeros(len(peaks))
    for number, sigma in enumerate(scales):
        here = found == number
        if here.any():
            elongation[here] = _elongation(haematoxylin, sigma, rows[here], columns[here])
    sigmas = np.asarray(scales)[found]
    return Nuclei(
        peaks.astype(np.float64),
        2 * np.pi * np.square(sigmas),  # a disc of radius √2 σ answers most at σ
        elongation,
        haematoxylin[rows, columns].astype(np.float64),
    )


def nuclei_of_labels(labels: NDArray[np.integer], haematoxylin: NDArray[np.float32]) -> Nuclei:
    """Measure nuclei that another program segmented.

    Parameters
    ----------
    labels
        0 for none, shape (height, width).
    haematoxylin
        The stain there, or another intensity.
    """
    from skimage.measure import regionprops_table

    table = regionprops_table(
        labels, haematoxylin, properties=("centroid", "area", "eccentricity", "intensity_mean")
    )
    return Nuclei(
        np.column_stack([table["centroid-0"], table["centroid-1"]]),
        np.asarray(table["area"], dtype=np.float64),
        np.asarray(table["eccentricity"], dtype=np.float64),
        np.asarray(table["intensity_mean"], dtype=np.float64),
    )


def nuclei_under(nuclei: Nuclei, places: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Sum up the nuclei in the disc around each place.

    Returns
    -------
    ndarray
        Columns as in `MEASURES`, shape (n_places, 5); NaN where there is none to be measured.
    """
    from scipy.spatial import cKDTree

    measured = np.full((len(places), len(MEASURES)), np.nan)
    measured[:, 0] = 0
    if not len(nuclei.places):
        return measured
    tree: Any = cKDTree(nuclei.places)
    within = tree.query_ball_point(places, radius)
    counts = np.array([len(found) for found in within], dtype=np.int64)
    spot = np.repeat(np.arange(len(places)), counts)
    which = np.concatenate([np.asarray(found, dtype=np.int64) for found in within])

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.bincount(spot, values[which], minlength=len(places))
        with np.errstate(invalid="ignore"):
            means: NDArray[np.float64] = total / counts
        return means

    area = mean(nuclei.areas)
    measured[:, 0] = counts
    measured[:, 1] = area
    measured[:, 2] = np.sqrt(np.maximum(mean(np.square(nuclei.areas)) - np.square(area), 0))
    measured[:, 3] = mean(nuclei.elongation)
    measured[:, 4] = mean(nuclei.stain)
    return measured


def _elongation(
    image: NDArray[np.float32], sigma: float, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return 1 - (weakest / strongest curvature) at places."""
    down, across, mixed = (
        ndimage.gaussian_filter(image, sigma, order=order)[rows, columns].astype(np.float64)
        for order in ((2, 0), (0, 2), (1, 1))
    )
    middle, half = -(down + across) / 2, np.hypot((down - across) / 2, mixed)
    ratio = np.maximum(middle - half, 0) / np.maximum(middle + half, 1e-12)
    elongation: NDArray[np.float64] = 1 - np.clip(ratio, 0, 1)
    return elongation
