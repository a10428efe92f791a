"""Pictures beside a section's first: further stains, and those of several sections in the grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.result_sections import places_side_by_side
from napari_trsmi.viewer.section.layers import tissue_data

if TYPE_CHECKING:
    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.viewer.section.layers import LayerData


def further_pictures(section: SpatialOmics | TRSMIResult) -> list[LayerData]:
    """Make a hidden layer of each further stain of a section or a run."""
    found = []
    for name, image in section.further_images.items():
        pixels, shown, kind = tissue_data(image)
        found.append((pixels, {**shown, "name": name, "visible": False}, kind))
    return found


def section_pictures(result: TRSMIResult) -> list[LayerData]:
    """Make a layer of each section's picture, moved as `TRSMIResult.side_by_side` moves its spots.

    Parameters
    ----------
    result
        Of several sections, or of one, which has none.
    """
    if result.sections is None:
        return []
    found = []
    for name, place in places_side_by_side(result).items():
        if (image := result.sections.images.get(name)) is None:
            continue
        pixels, shown, kind = tissue_data(image)
        moved = {
            "name": f"{name}: tissue",
            "scale": np.asarray(shown["scale"]) * place.scale,
            "translate": place.shift[::-1],  # napari's order is row, column
        }
        found.append((pixels, {**shown, **moved}, kind))
    return found
