"""What of the layers a window shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari.components import ViewerModel


def is_whole_in_sight(viewer: ViewerModel) -> bool:
    """Whether no layer reaches out of the canvas; so it is where there is none."""
    if not viewer.layers or viewer.dims.ndisplay != 2:
        return not viewer.layers
    low, high = viewer.layers.extent.world[:, list(viewer.dims.displayed)]
    middle = np.asarray(viewer.scene.camera.center)[-2:]
    half = np.asarray(viewer.canvas.size) / viewer.scene.camera.zoom / 2
    return bool((low >= middle - half).all() and (high <= middle + half).all())
