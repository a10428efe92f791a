"""Where and how large spots are drawn, on a layer of the tissue or by themselves."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.errors import InputError
from napari_trsmi.spots.pitch import spot_pitch
from napari_trsmi.viewer.register import register_of
from napari_trsmi.viewer.registration import registration_of, world_of_spots, written_on

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import SpatialOmics, TissueImage
    from napari_trsmi.result import TRSMIResult

_SAME_SHAPE = 0.02  # relative difference of two images' aspects that rounding explains


def placement(section: SpatialOmics | TRSMIResult, image: Image | None) -> dict[str, Any]:
    """Keyword arguments of a Points layer that draw spots where and as large as they are.

    Parameters
    ----------
    section
        Whose spots. The points' data are its coordinates as row, column.
    image
        The layer that shows the tissue: the points get its transforms, units and axis labels. It
        may show another resolution of the section's own image. None for coordinates as they are.

    Raises
    ------
    InputError
        If `image` is not two-dimensional, or shows another picture than the section's.
    """
    diameter = _diameter(section.coordinates, section.spot_diameter)
    shape = {"symbol": "square" if section.square_spots else "disc"}
    if image is None:
        return {**shape, "size": diameter}
    if image.ndim != 2:
        raise InputError(
            f"Layer {image.name!r} has {image.ndim} dimensions. Pass a two-dimensional image of "
            "the section (RGB colours do not count)."
        )
    written = written_on(image)
    if written is not None and section.image is not None and section.image.registration == written:
        return {**shape, **_over_registered(image, diameter)}
    return {
        **register_of(image),
        **shape,
        "size": diameter * _affine_magnification(image),
        # napari scales first, so that this factor takes coordinates to pixels before all else.
        "scale": np.asarray(image.scale) * pixels_per_unit(section.image, image),
    }


def _over_registered(image: Image, diameter: float) -> dict[str, Any]:
    """Return the transforms of spots over a picture that landmarks laid onto them."""
    found = registration_of(image)
    assert found is not None  # noqa: S101
    world = world_of_spots(image, found)
    magnified = sqrt(abs(float(np.linalg.det(world[:2, :2]))))
    return {
        "scale": [magnified, magnified],
        "affine": world @ np.diag([1 / magnified, 1 / magnified, 1.0]),
        "units": image.units,
        "axis_labels": image.axis_labels,
        "size": diameter,
    }


def pixels_per_unit(tissue: TissueImage | None, image: Image) -> float:
    """How many of a layer's pixels a coordinate unit spans, 1 if there is no tissue image.

    Parameters
    ----------
    tissue
        The section's own image.
    image
        A layer that shows it, at whatever resolution.

    Raises
    ------
    InputError
        If the layer's picture has another shape.
    """
    if tissue is None:
        return 1.0
    shown, own = image.data.shape[:2], tissue.pixels.shape[:2]
    rows, columns = shown[0] / own[0], shown[1] / own[1]
    if abs(rows / columns - 1) > _SAME_SHAPE:
        raise InputError(
            f"Layer {image.name!r} has the shape {shown}, the section's tissue image {own}: they "
            "do not show the same field. Pass the layer that the coordinates belong to."
        )
    return float(tissue.scale * columns)


def _diameter(coordinates: NDArray[np.float64], measured: float | None) -> float:
    """Return the spots' diameter, or their distance from each other if it is not known."""
    return measured if measured is not None else spot_pitch(coordinates) or 1.0


def _affine_magnification(image: Image) -> float:
    """Return how much an image's affine enlarges: napari draws point sizes without it."""
    return sqrt(abs(float(np.linalg.det(image.affine.linear_matrix))))
