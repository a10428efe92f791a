"""A picture drawn anew in the frame of the spots that it was registered to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.reading.images import tissue_image
from napari_trsmi.data.reading.pictures import MAX_PIXELS
from napari_trsmi.errors import InputError
from napari_trsmi.spots.landmarks import Registration

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


_SAME_PIXEL = 0.5
"""Pixels by which a picture may be off the spots' frame without being drawn anew."""


def registered_image(
    image: str | Path | NDArray[Any] | TissueImage, registration: Registration
) -> TissueImage:
    """Draw a picture in the spots' frame, so that a scale alone parts it from them.

    Parameters
    ----------
    image
        The picture whose pixels the landmarks were set on.
    registration
        From `napari_trsmi.fit_landmarks`.

    Returns
    -------
    TissueImage
        To be passed as ``image=``; it carries the registration, which a run writes down.

    Raises
    ------
    InputError
        If the picture lies where coordinates are negative, beside the spots.
    """
    given = tissue_image(image, None, [])
    own = np.diag([given.scale, given.scale, 1.0]) if not isinstance(image, TissueImage) else None
    to_pixels = np.vstack([registration.matrix, [0.0, 0.0, 1.0]])
    if own is not None:  # the file was reduced when it was read
        to_pixels = own @ to_pixels
    return _redrawn(given, to_pixels, registration.written())


def registered_layer(picture: TissueImage, written: dict[str, Any]) -> TissueImage:
    """Draw a picture in the spots' frame by landmarks that were set on its full resolution.

    Parameters
    ----------
    picture
        Perhaps reduced: its scale is its pixels per pixel of the full resolution.
    written
        What `Registration.written` wrote down.

    Raises
    ------
    InputError
        As `registered_image`.
    """
    matrix = np.vstack([Registration.of_written(written).matrix, [0.0, 0.0, 1.0]])
    return _redrawn(picture, np.diag([picture.scale, picture.scale, 1.0]) @ matrix, written)


def laid_image(
    picture: TissueImage, matrix: NDArray[np.float64], written: dict[str, Any] | None
) -> TissueImage:
    """Draw a picture in the spots' frame, unless a scale alone parts it from them.

    Parameters
    ----------
    picture
        As of `registered_layer`.
    matrix
        From (x, y, 1) to column and row of the full resolution, shape (2, 3).
    written
        What `Registration.written` wrote down, if landmarks say so.

    Raises
    ------
    InputError
        As `registered_image`.
    """
    whole = np.diag([picture.scale, picture.scale, 1.0]) @ np.vstack([matrix, [0.0, 0.0, 1.0]])
    scale = float(np.sqrt(abs(np.linalg.det(whole[:2, :2]))))
    width, height = picture.pixels.shape[1::-1]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1]]) @ np.diag([1, 1, scale])
    moved = corners @ whole[:2].T / scale - corners[:, :2]
    if np.abs(moved).max() < _SAME_PIXEL:
        return TissueImage(picture.pixels, scale, registration=written)
    return _redrawn(picture, whole, written)


def _redrawn(
    given: TissueImage, to_pixels: NDArray[np.float64], written: dict[str, Any] | None
) -> TissueImage:
    from skimage.transform import AffineTransform, warp

    height, width = given.pixels.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
    right, lower = (corners @ np.linalg.inv(to_pixels).T)[:, :2].max(axis=0)
    if min(right, lower) <= 0:
        raise InputError(
            "By these landmarks the picture lies where coordinates are negative, beside the "
            "spots. Check that each pair shows the same place."
        )
    scale = float(np.sqrt(abs(np.linalg.det(to_pixels[:2, :2]))))
    scale = min(scale, float(np.sqrt(MAX_PIXELS / (right * lower))))
    # pixels have their whole numbers at their centres on both sides
    step = to_pixels @ np.diag([1 / scale, 1 / scale, 1.0])
    shape = (max(1, round(lower * scale)), max(1, round(right * scale)))
    drawn = warp(
        given.pixels, AffineTransform(step), output_shape=shape, cval=255, preserve_range=True
    )
    pixels = np.rint(drawn).astype(np.uint8)
    return TissueImage(pixels, scale, registration=written)
