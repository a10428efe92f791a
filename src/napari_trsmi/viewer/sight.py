"""What of the layers a window shows, and that it goes on showing it when a dock takes room."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

import numpy as np

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel

_kept: WeakKeyDictionary[LayerList, _Sight] = WeakKeyDictionary()


def keep_in_sight(viewer: ViewerModel) -> None:
    """Fit the view again whenever a smaller canvas cuts off what was all in sight.

    Once is enough. A part that a person looks at stays as it is.
    """
    if viewer.layers not in _kept:
        _kept[viewer.layers] = _Sight(viewer)


def is_whole_in_sight(viewer: ViewerModel, size: tuple[int, int] | None = None) -> bool:
    """Whether no layer reaches out of the canvas.

    Parameters
    ----------
    viewer
        The window.
    size
        Of the canvas, height and width; None for what it is now.
    """
    if not viewer.layers or viewer.dims.ndisplay != 2:
        return not viewer.layers
    low, high = viewer.layers.extent.world[:, list(viewer.dims.displayed)]
    middle = np.asarray(viewer.scene.camera.center)[-2:]
    half = np.asarray(size or viewer.canvas.size) / viewer.scene.camera.zoom / 2
    return bool((low >= middle - half).all() and (high <= middle + half).all())


class _Sight:
    """The size that a canvas had, to tell what was in sight before it changed."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._size = tuple(viewer.canvas.size)
        viewer.canvas.events.size.connect(self._on_canvas_size_changed)

    def _on_canvas_size_changed(self) -> None:
        viewer, before = self._viewer(), self._size
        if viewer is None:
            return
        self._size = tuple(viewer.canvas.size)
        if is_whole_in_sight(viewer, before) and not is_whole_in_sight(viewer):
            viewer.reset_view()
