"""Two pictures that are looked at in turn, each as large and where it was last seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points
    from numpy.typing import NDArray


class Turns:
    """Shows one of two pictures alone, without the spots over it.

    Parameters
    ----------
    viewer
        The window.
    spots
        They are hidden meanwhile.
    first, second
        The pictures; the second may lie anywhere in the world, in any size.
    """

    def __init__(self, viewer: ViewerModel, spots: Points, first: Image, second: Image) -> None:
        self._viewer, self.first, self._second = viewer, first, second
        self._before = [(layer, layer.visible) for layer in (spots, first, second)]
        self._seen: dict[bool, tuple[Any, float]] = {}
        self._now: bool | None = None
        spots.visible = False

    def show(self, *, is_first: bool) -> None:
        """Show one of the pictures."""
        if self._now is is_first:
            return
        camera = self._viewer.scene.camera
        if self._now is not None:
            self._seen[self._now] = (camera.center, camera.zoom)
        for layer, is_shown in ((self.first, is_first), (self._second, not is_first)):
            layer.visible = is_shown
        if is_first in self._seen:
            camera.center, camera.zoom = self._seen[is_first]
        elif self._now is not None:  # as large on the screen as the other
            here, there = self._extent(is_first=is_first), self._extent(is_first=not is_first)
            camera.zoom *= np.ptp(there, axis=0).max() / max(np.ptp(here, axis=0).max(), 1e-9)
            camera.center = tuple(here.mean(axis=0))
        self._now = is_first

    def end(self) -> None:
        """Show what was shown before."""
        for layer, was_visible in self._before:
            if layer in self._viewer.layers:
                layer.visible = was_visible

    def forget_second(self) -> None:
        """Look for the second picture anew: it has moved."""
        self._seen.pop(False, None)
        if self._now is False:
            self._viewer.scene.camera.center = tuple(self._extent(is_first=False).mean(axis=0))

    def _extent(self, *, is_first: bool) -> NDArray[np.float64]:
        layer = self.first if is_first else self._second
        return np.asarray(layer.extent.world, dtype=np.float64)[:, -2:]
