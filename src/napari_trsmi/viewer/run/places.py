"""Where the spots of a run lie: in the world, and in the units of the image under them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.errors import InputError
from napari_trsmi.spots.pitch import spot_pitch
from napari_trsmi.viewer.geometry import pixels_per_unit
from napari_trsmi.viewer.plane import Plane
from napari_trsmi.viewer.registration import registration_of
from napari_trsmi.viewer.run.picture import LayerPicture

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Image, Points
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage

_SAME_PLACE = 1e-3  # of the extent: rounding on the way through the world and back


@dataclass(frozen=True, eq=False)
class SpotPlaces:
    """Spots of a run.

    Attributes
    ----------
    names
        Unique, length n_spots.
    world
        (row, column) in the world, shape (n_spots, 2).
    world_diameter
        Of a spot.
    coordinates
        x and y as the result shall hold them, shape (n_spots, 2).
    diameter
        Of a spot, in units of `coordinates`; None if it is not known.
    tissue
        The section's own image that `coordinates` belong to; None if they are pixels of the chosen
        image layer, or of no image.
    picture
        The chosen image layer, if `coordinates` are its pixels.
    """

    names: pd.Index
    world: NDArray[np.float64]
    world_diameter: float
    coordinates: NDArray[np.float64]
    diameter: float | None
    tissue: TissueImage | None
    picture: LayerPicture | None = None

    def only(self, kept: NDArray[np.bool_]) -> SpotPlaces:
        """Some of the spots."""
        return replace(
            self,
            names=self.names[kept],
            world=self.world[kept],
            coordinates=self.coordinates[kept],
        )


def places_of_points(
    layer: Points,
    names: pd.Index,
    image: Image | None,
    *,
    coordinates: NDArray[np.float64] | None = None,
    diameter: float | None = None,
    tissue: TissueImage | None = None,
    grid: Plane | None = None,
) -> SpotPlaces:
    """Where a Points layer shows its points, over an image layer if there is one.

    Parameters
    ----------
    layer
        The points.
    names
        Of the points, in their order.
    image
        The image layer that the domains will lie on.
    coordinates, diameter, tissue
        Of the tables attached to the layer: kept where they say the same as the layer.
    grid
        Where sections side by side put the layer, which is no place of its own.
    """
    plane = Plane.of(layer)
    world = plane.to_world(np.asarray(layer.data, dtype=np.float64)[:, -2:])
    drawn = float(np.median(layer.size)) * plane.magnification if len(layer.data) else 1.0
    if image is None:
        unit, under = 1.0, grid or Plane(np.eye(2), np.zeros(2))
    else:
        under = Plane.of(image)
        tissue, unit = _fitting(tissue, image)
    on_picture = under.to_data(world)[:, ::-1]
    if image is not None and coordinates is not None:
        found = registration_of(image)
        if found is not None and _agree(found.to_picture(coordinates), on_picture):
            size = drawn / plane.magnification if diameter is None else diameter
            laid = LayerPicture.of(image)
            return SpotPlaces(names, world, drawn, coordinates, size, None, laid)
    picture = LayerPicture.of(image) if image is not None and tissue is None else None
    if picture is not None:  # registered to other spots, or moved since
        picture = replace(picture, registration=None)
    shown = on_picture / unit
    if coordinates is not None and _agree(coordinates, shown):
        size = diameter if diameter is not None else drawn / (under.magnification * unit)
        return SpotPlaces(names, world, drawn, coordinates, size, tissue, picture)
    if image is None:
        tissue = None  # the points were moved: they lie on it no more
    size = drawn / (under.magnification * unit)
    return SpotPlaces(names, world, drawn, shown, size, tissue, picture)


def places_of_tables(
    coordinates: NDArray[np.float64],
    names: pd.Index,
    image: Image | None,
    *,
    diameter: float | None,
    tissue: TissueImage | None,
) -> SpotPlaces:
    """Where the tables' own coordinates lie in the world, once they lie on an image layer."""
    plane, pixels, picture = Plane(np.eye(2), np.zeros(2)), 1.0, None
    if image is not None:
        plane = Plane.of(image)
        tissue, pixels = _fitting(tissue, image)
        picture = LayerPicture.of(image) if tissue is None else None
    world = plane.to_world(coordinates[:, ::-1] * pixels)
    size = diameter if diameter is not None else spot_pitch(coordinates) or 1.0
    drawn = size * pixels * plane.magnification
    return SpotPlaces(names, world, drawn, coordinates, diameter, tissue, picture)


def _fitting(tissue: TissueImage | None, image: Image) -> tuple[TissueImage | None, float]:
    """Return the tissue image if the layer shows it, and the layer's pixels per unit."""
    if tissue is None:
        return None, 1.0
    try:
        return tissue, pixels_per_unit(tissue, image)
    except InputError:
        return None, 1.0  # another image: its own pixels are the unit


def _agree(coordinates: NDArray[np.float64], shown: NDArray[np.float64]) -> bool:
    extent = float(np.ptp(coordinates, axis=0).max()) or 1.0
    return bool(np.abs(coordinates - shown).max() <= _SAME_PLACE * extent)
