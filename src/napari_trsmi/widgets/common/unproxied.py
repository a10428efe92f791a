"""The viewer itself, behind the proxy that napari hands to plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.viewer import Viewer


def unproxied(viewer: Viewer) -> Viewer:
    """Return the viewer that a proxy stands for, or the viewer.

    What a proxy returns are proxies again: a layer got through one is not the layer that an event
    names, or that a weak dictionary knows.
    """
    itself: Viewer = getattr(viewer, "__wrapped__", viewer)
    return itself
