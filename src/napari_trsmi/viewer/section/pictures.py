"""Pictures beside a section's first: further stains, and those of several sections in the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.result_sections import places_side_by_side
from napari_trsmi.viewer.plane import Plane
from napari_trsmi.viewer.section.layers import tissue_data

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_trsmi.data.dataset import SpatialOmics, TissueImage
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.spots.layout import Place
    from napari_trsmi.viewer.section.layers import LayerData


def further_pictures(section: SpatialOmics | TRSMIResult) -> list[LayerData]:
    """Make a hidden layer of each further stain of a section or a run."""
    found = []
    for name, image in section.further_images.items():
        pixels, shown, kind = tissue_data(image)
        found.append((pixels, {**shown, "name": name, "visible": False}, kind))
    return found


def picture_at(image: TissueImage, name: str, place: Place) -> LayerData:
    """A section's picture as layer data, where its spots lie in the grid."""
    pixels, shown, kind = tissue_data(image)
    moved = {
        "name": f"{name}: tissue",
        "scale": np.asarray(shown["scale"]) * place.scale,
        "translate": place.shift[::-1],  # napari's order is row, column
    }
    return pixels, {**shown, **moved}, kind


def section_pictures(result: TRSMIResult) -> list[LayerData]:
    """Make a layer of each section's picture, moved as `TRSMIResult.side_by_side` moves its spots.

    Parameters
    ----------
    result
        Of several sections, or of one, which has none.
    """
    if result.sections is None:
        return []
    images = result.sections.images
    places = places_side_by_side(result)
    return [
        picture_at(images[name], name, place) for name, place in places.items() if name in images
    ]


def is_shown(viewer: ViewerModel, picture: LayerData) -> bool:
    """Whether a layer shows a picture already, where it would be added."""
    from napari.layers import Image

    pixels, shown, _ = picture
    finest = pixels[0] if shown["multiscale"] else pixels
    scale, shift = np.asarray(shown["scale"]), np.asarray(shown.get("translate", (0, 0)))
    for layer in viewer.layers:
        if not isinstance(layer, Image) or layer.ndim != 2:
            continue
        if (layer.data[0] if layer.multiscale else layer.data) is not finest:
            continue
        plane = Plane.of(layer)
        if np.allclose(plane.matrix, np.diag(scale)) and np.allclose(plane.offset, shift):
            layer.visible = True
            return True
    return False
