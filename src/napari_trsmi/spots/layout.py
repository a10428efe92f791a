"""Sections side by side in a grid, in one coordinate system, to be looked at together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_GAP = 0.1  # of the largest side


@dataclass(frozen=True, eq=False)
class Place:
    """Where a section lies in the grid: at ``scale * xy + shift``.

    Attributes
    ----------
    scale
        Its coordinates are multiplied by this, so that spots lie as far apart in all sections.
    shift
        Added to x and y, shape (2,).
    """

    scale: float
    shift: NDArray[np.float64]

    def of(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coordinates in the grid, shape (n_spots, 2)."""
        placed: NDArray[np.float64] = xy * self.scale + self.shift
        return placed


def places_of(parts: Sequence[NDArray[np.float64]]) -> list[Place]:
    """Lay sections out as `side_by_side` does.

    Parameters
    ----------
    parts
        Coordinates of each section's spots, each (n_spots, 2).
    """
    boxes = [np.stack([part.min(axis=0), part.max(axis=0)]) for part in parts]
    return side_by_side(boxes, [spot_pitch(part) for part in parts])


def side_by_side(
    boxes: Sequence[NDArray[np.float64]], pitches: Sequence[float | None]
) -> list[Place]:
    """Lay sections out in a grid, row by row, as square as their number allows.

    Parameters
    ----------
    boxes
        Least and largest x and y of each section, each of shape (2, 2).
    pitches
        Distance between the spots of each section, None where it is not known.

    Returns
    -------
    A place for each. The first stays where it is.
    """
    first = next((pitch for pitch in pitches if pitch), 1.0)
    scales = [first / pitch if pitch else 1.0 for pitch in pitches]
    sizes = np.array([(b[1] - b[0]) * s for b, s in zip(boxes, scales, strict=True)])
    cell = sizes.max(axis=0) + _GAP * sizes.max()
    columns = math.ceil(math.sqrt(len(boxes)))
    corner = boxes[0][0] * scales[0]
    return [
        Place(scale, corner + cell * (number % columns, number // columns) - box[0] * scale)
        for number, (box, scale) in enumerate(zip(boxes, scales, strict=True))
    ]
