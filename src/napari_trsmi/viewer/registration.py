"""A picture's layer that landmarks registered to spots: what it carries, and how it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.spots.landmarks import Registration
from napari_trsmi.viewer.plane import Plane

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from numpy.typing import NDArray

REGISTRATION = "trsmi_registration"
"""Where a picture's layer keeps how it was registered, in plain JSON types."""

_SWAP = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])  # (x, y) to (row, column) and back


def written_on(layer: Layer) -> dict[str, Any] | None:
    """How a picture's layer was registered; None if it was not."""
    found: dict[str, Any] | None = layer.metadata.get(REGISTRATION)
    return found


def registration_of(layer: Layer) -> Registration | None:
    """The registration of a picture's layer, from coordinates to pixels of its finest level."""
    written = written_on(layer)
    return None if written is None else Registration.of_written(written)


def matrix_of(layer: Layer) -> NDArray[np.float64]:
    """A layer's last two axes in the world: from (row, column, 1), shape (3, 3)."""
    plane = Plane.of(layer)
    return np.vstack([np.column_stack([plane.matrix, plane.offset]), [0.0, 0.0, 1.0]])


def world_of_spots(picture: Image, registration: Registration) -> NDArray[np.float64]:
    """From coordinates as (y, x, 1) to the world in which a registered picture lies, (3, 3)."""
    return np.asarray(matrix_of(picture) @ _in_rows(registration), dtype=np.float64)


def affine_onto(
    picture: Image, spots: NDArray[np.float64], registration: Registration
) -> NDArray[np.float64]:
    """The affine by which a picture's layer comes to lie on the spots, shape (3, 3).

    Parameters
    ----------
    picture
        The layer. Its scale, shift, turn and shear stay; only its affine is to change.
    spots
        From coordinates as (y, x, 1) to the world, shape (3, 3).
    registration
        From coordinates to the picture's pixels.
    """
    target = spots @ np.linalg.inv(_in_rows(registration))
    before = np.asarray(picture.affine.affine_matrix, dtype=np.float64)
    return np.asarray(target @ np.linalg.inv(matrix_of(picture)) @ before, dtype=np.float64)


def _in_rows(registration: Registration) -> NDArray[np.float64]:
    whole = np.vstack([registration.matrix, [0.0, 0.0, 1.0]])
    return np.asarray(_SWAP @ whole @ _SWAP, dtype=np.float64)
