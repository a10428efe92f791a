"""Whether the coordinates are in the picture's frame: its unit, its order and its directions.

Coordinates in another frame still look like coordinates. What gives them away is the tissue: spots
are where the picture shows some, and all of it that was measured has spots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage

    Turn = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_SIDE = 256  # pixels of the picture in which tissue is looked for
_CONTRAST = 20  # of 255: fainter differences are no tissue
BETTER = 0.15
"""By so much must another frame fit better."""

FITS = 0.8
"""Share of the spots that must lie on tissue in it."""

_SMALL = 0.1
"""Share of the tissue, or of the picture's sides, that spots in another unit cover at most."""


@dataclass(frozen=True)
class Fit:
    """How coordinates lie on a picture's tissue.

    Attributes
    ----------
    on_tissue
        Share of the spots.
    covered
        Share of the tissue that has a spot nearby.
    """

    on_tissue: float
    covered: float

    @property
    def score(self) -> float:
        """Harmonic mean of both, 1 at best."""
        total = self.on_tissue + self.covered
        return 2 * self.on_tissue * self.covered / total if total else 0.0


def frame_warning(
    xy: NDArray[np.float64], image: TissueImage, grid: NDArray[np.float64] | None
) -> str | None:
    """Say what is wrong with the coordinates' frame, if something is.

    Parameters
    ----------
    xy
        Coordinates, shape (n_spots, 2).
    image
        The picture that they are meant for.
    grid
        Column and row of each spot on the array, if they are known, shape (n_spots, 2).

    Returns
    -------
    A sentence or two with the frame that would fit, or None if nothing speaks against them.
    """
    if grid is not None and np.allclose(xy, grid):
        return (
            "The coordinates are columns and rows of the array, no pixels of the picture. Pass the "
            "pixels with positions=, for example Space Ranger's tissue_positions.csv."
        )
    mask = tissue_mask(image.pixels)
    if mask is None:
        return _small(xy, image) or _by_grid(xy, grid, None)
    pitch = spot_pitch(xy) or 0.0
    here = fit_on_tissue(xy, image, mask, pitch)
    fits = _fits(xy, image, mask, pitch)
    found = [each for each in fits if each[0].on_tissue >= FITS]
    if found:
        best, what, remedy = max(found, key=lambda each: each[0].score)
        if best.score > here.score + BETTER:
            return (
                f"Only {here.on_tissue:.0%} of the spots lie on the tissue in the picture, and "
                f"they cover {here.covered:.0%} of it. {what}, {best.on_tissue:.0%} would, and "
                f"cover {best.covered:.0%}. If that is so, pass {remedy}."
            )
    if here.covered < _SMALL:
        return _other_unit(here.covered, "tissue in the picture")
    return _by_grid(
        xy, grid, lambda turn: fit_on_tissue(turn(xy), image, mask, pitch).score - here.score
    )


def tissue_mask(pixels: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Mark what differs from the picture's margin.

    Parameters
    ----------
    pixels
        ``uint8``, shape (height, width, 3).

    Returns
    -------
    A mask of at most 256 pixels a side, or None if no part stands out clearly: Otsu's threshold on
    the distance to the margin's median colour.
    """
    step = max(1, -(-max(pixels.shape[:2]) // _SIDE))
    small = pixels[::step, ::step].astype(np.float32)
    edge = max(1, min(small.shape[:2]) // 50)
    margin = [small[:edge], small[-edge:], small[:, :edge], small[:, -edge:]]
    background = np.median(np.concatenate([part.reshape(-1, 3) for part in margin]), axis=0)
    distance = np.abs(small - background).max(axis=2)
    if np.ptp(distance) == 0:
        return None
    mask: NDArray[np.bool_] = distance > _otsu(distance)
    share = float(mask.mean())
    if not 0.03 < share < 0.92:
        return None
    apart = float(distance[mask].mean() - distance[~mask].mean())
    return mask if apart > _CONTRAST else None


def _otsu(values: NDArray[np.float32]) -> float:
    counts, edges = np.histogram(values, bins=64)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = counts.sum() - below
    total = np.cumsum(counts * middles)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(edges[1:][np.nanargmax(spread)])


def fit_on_tissue(
    xy: NDArray[np.float64], image: TissueImage, mask: NDArray[np.bool_], pitch: float
) -> Fit:
    """Say how coordinates lie on the tissue.

    Parameters
    ----------
    xy
        Coordinates, shape (n_spots, 2).
    image
        The picture, of which `mask` marks the tissue (`tissue_mask`).
    mask
        Of any resolution.
    pitch
        How far apart the spots are, in coordinate units.
    """
    per_unit = image.scale * np.array(mask.shape[::-1]) / image.pixels.shape[1::-1]
    places = np.floor(xy * per_unit).astype(np.int64)
    inside = np.all((places >= 0) & (places < mask.shape[::-1]), axis=1)
    columns, rows = places[inside].T
    free = np.ones(mask.shape, dtype=bool)
    free[rows, columns] = False
    if free.all():
        return Fit(0.0, 0.0)
    reach = max(1.5, pitch * float(per_unit.mean()))
    near = distance_transform_edt(free) <= reach
    return Fit(float(mask[rows, columns].sum() / len(xy)), float(near[mask].mean()))


def _fits(
    xy: NDArray[np.float64], image: TissueImage, mask: NDArray[np.bool_], pitch: float
) -> Iterator[tuple[Fit, str, str]]:
    """Yield how other frames fit, what they are, and how to get to them."""
    width, height = np.array(image.pixels.shape[1::-1]) / image.scale
    turns: list[tuple[str, str, Turn]] = [
        ("With x and y exchanged", _EXCHANGED, lambda p: p[:, ::-1]),
        (
            "With y counted from the bottom",
            f"(x, {height:.6g} - y)",
            lambda p: p * [1, -1] + [0, height],
        ),
        ("With y the other way round", "(x, -y)", lambda p: p * [1, -1]),
        (
            "With x counted from the right",
            f"({width:.6g} - x, y)",
            lambda p: p * [-1, 1] + [width, 0],
        ),
        (
            "Turned by half",
            f"({width:.6g} - x, {height:.6g} - y)",
            lambda p: [width, height] - p,
        ),
        (
            "Turned by a quarter",
            f"({width:.6g} - y, x)",
            lambda p: p[:, ::-1] * [-1, 1] + [width, 0],
        ),
        (
            "Turned by a quarter",
            f"(y, {height:.6g} - x)",
            lambda p: p[:, ::-1] * [1, -1] + [0, height],
        ),
    ]
    if abs(image.scale - 1) > 0.01:
        scale = image.scale
        turns += [
            ("Taken as pixels of this picture", f"(x, y) / {scale:.6g}", lambda p: p / scale),
            (
                "Taken as rows and columns of this picture",
                f"(y, x) / {scale:.6g}",
                lambda p: p[:, ::-1] / scale,
            ),
        ]
    for what, remedy, turn in turns:
        apart = pitch / image.scale if "/" in remedy else pitch
        yield fit_on_tissue(turn(xy), image, mask, apart), what, f"{remedy} as positions="


_EXCHANGED = "(y, x)"


def _small(xy: NDArray[np.float64], image: TissueImage) -> str | None:
    sides = np.ptp(xy, axis=0) * image.scale / image.pixels.shape[1::-1]
    share = float(sides.max())
    return _other_unit(share, "picture's width and height") if share < _SMALL else None


def _other_unit(share: float, of: str) -> str:
    return (
        f"The spots cover {share:.1%} of the {of}: their coordinates seem to be in another unit "
        "than its pixels. Pass the right ones with positions=, or the picture's scale with "
        "image_scale=."
    )


def _by_grid(
    xy: NDArray[np.float64],
    grid: NDArray[np.float64] | None,
    gain: Callable[[Turn], float] | None,
) -> str | None:
    """Look at the array where the tissue does not tell: its columns run along x, its rows down."""
    if grid is None or len(grid) < 10 or not np.ptp(grid, axis=0).all():
        return None
    known = np.corrcoef(np.column_stack([grid, xy]).T)[:2, 2:]
    if not np.isfinite(known).all():
        return None
    turn: Turn
    if min(abs(known[0, 1]), abs(known[1, 0])) > 0.9:
        what, remedy, turn = "x runs along array_row and y along array_col", _EXCHANGED, _exchanged
    elif min(known[0, 0], -known[1, 1]) > 0.9:
        what, remedy, turn = "y falls with array_row", "(x, -y)", _upside_down
    else:
        return None
    if gain is not None and gain(turn) < -0.02:
        return None  # the picture is turned against the array, and the coordinates with it
    return (
        f"In the coordinates {what}, which is right only for a picture that is turned against the "
        f"array. If this one is not, pass {remedy} as positions=."
    )


def _exchanged(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    return xy[:, ::-1]


def _upside_down(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    turned: NDArray[np.float64] = xy * [1, -1] + [0, xy[:, 1].max() + xy[:, 1].min()]
    return turned
