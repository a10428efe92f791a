"""The eight ways in which a picture may have been put down, and which of them fits the spots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.data.frame import BETTER, FITS, Fit, fit_on_tissue, tissue_mask
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage

_TURNS = (
    ("turned by a quarter to the right", ((0, 1), (-1, 0))),
    ("turned by half", ((-1, 0), (0, -1))),
    ("turned by a quarter to the left", ((0, -1), (1, 0))),
    ("mirrored left to right", ((-1, 0), (0, 1))),
    ("turned upside down", ((1, 0), (0, -1))),
    ("mirrored along its falling diagonal", ((0, 1), (1, 0))),
    ("mirrored along its rising diagonal", ((0, -1), (-1, 0))),
)
"""What is done to the picture, and what that does to the pixel (column, row) that a place sees."""


@dataclass(frozen=True, eq=False)
class Turn:
    """Another way to put the picture down.

    Attributes
    ----------
    name
        What to do to the picture, as in "turned by half".
    matrix
        From the pixel (column, row, 1) that a spot lies on now to the one it would lie on, shape
        (2, 3).
    fit
        How the spots would lie on the tissue.
    """

    name: str
    matrix: NDArray[np.float64]
    fit: Fit


def fit_of_picture(
    pixels_of_spots: NDArray[np.float64], image: TissueImage
) -> tuple[Fit | None, Turn | None]:
    """How spots lie on a picture's tissue, and the turn by which they would lie on it better.

    Parameters
    ----------
    pixels_of_spots
        Column and row of each spot, shape (n_spots, 2), in the units of which `image` has
        ``scale`` pixels.
    image
        The picture; a small one will do.

    Returns
    -------
    fit
        None if the picture has no tissue that stands out from its margin.
    turn
        None if no flip or quarter turn fits clearly better.
    """
    mask = tissue_mask(image.pixels)
    if mask is None:
        return None, None
    pitch = spot_pitch(pixels_of_spots) or 0.0
    here = fit_on_tissue(pixels_of_spots, image, mask, pitch)
    size = np.array(image.pixels.shape[1::-1]) / image.scale
    turns = []
    for name, rows in _TURNS:
        turn = np.array(rows, dtype=np.float64)
        matrix = np.column_stack([turn, np.where(turn.sum(axis=1) < 0, size, 0.0)])
        moved = pixels_of_spots @ matrix[:, :2].T + matrix[:, 2]
        turns.append(Turn(name, matrix, fit_on_tissue(moved, image, mask, pitch)))
    best = max(turns, key=lambda turn: turn.fit.score)
    better = best.fit.on_tissue >= FITS and best.fit.score > here.score + BETTER
    return here, best if better else None
