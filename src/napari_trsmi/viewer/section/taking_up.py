"""A section that is opened beside another: a further table of it, or the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.viewer.attached import dataset_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points

_SAME_PLACE = 1e-3  # of the extent: rounding


def is_of_same_section(one: Layer, other: Layer) -> bool:
    """Whether two layers carry tables of one section: most spots of the fewer, at their places.

    Names alone do not tell: all sections of a platform may have the same barcodes.
    """
    mine, theirs = dataset_of(one), dataset_of(other)
    if mine is None or theirs is None:
        return False
    shared = mine.spots.intersection(theirs.spots)
    if 2 * len(shared) <= min(len(mine.spots), len(theirs.spots)):
        return False
    here = mine.coordinates[mine.spots.get_indexer(shared)]
    there = theirs.coordinates[theirs.spots.get_indexer(shared)]
    extent = float(np.ptp(here, axis=0).max()) or 1.0
    return bool(np.abs(here - there).max() <= _SAME_PLACE * extent)


def show_section(viewer: ViewerModel, points: Points, image: Image | None) -> None:
    """Show a section alone: what overlaps it is hidden, and it is in sight.

    Parameters
    ----------
    viewer
        The window.
    points
        Its spots.
    image
        Its picture.
    """
    low, high = points.extent.world
    for layer in viewer.layers:
        if layer is points or layer is image or not layer.visible:
            continue
        least, most = layer.extent.world[:, -2:]
        if bool((np.maximum(low, least) <= np.minimum(high, most)).all()):
            layer.visible = False
    viewer.reset_view()
