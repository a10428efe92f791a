"""What the colours mean, on the canvas: a chip a domain, or a colour bar."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel

    from napari_trsmi.viewer.domains.layer import DomainLayer

_MOST = 24  # chips
_KEY, _TITLE = "trsmi_legend_", "trsmi_legend_title"
_FONT = 10
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


class CanvasLegend:
    """Keeps a legend of one run on the canvas, in step with its domains and its colouring.

    Parameters
    ----------
    viewer
        Whose canvas.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._domains: DomainLayer | None = None
        self._written: dict[str, dict[str, Any]] = {}

    def show(self, domains: DomainLayer | None) -> None:
        """Show what the colours of a run mean now; None takes the legend off."""
        for _ in self.iter_show(domains):
            pass

    def iter_show(self, domains: DomainLayer | None) -> Generator[None, None, None]:
        """`show`, with a pause after each chip that is new: a window draws it in the meantime.

        To make one and to draw it the first time takes some tens of milliseconds each.
        """
        if self._domains is not None and self._domains is not domains:
            self._hide_bar(self._domains)
        self._domains = domains
        if domains is None:
            yield from self._chips({})
            return
        if domains.coloring is None:
            self._hide_bar(domains)
            edits = domains.edits
            sizes = edits.counts
            yield from self._chips(
                {
                    name: color
                    for name, color in edits.colors.items()
                    if sizes[name] and edits.is_visible(name)
                }
            )
            return
        yield from self._chips({})
        coloring, layer = domains.coloring, domains.layer
        layer.face_colormap = coloring.colormap
        layer.face_contrast_limits = (coloring.low, coloring.high)
        layer.face_colorbar.position = "top_right"
        layer.face_colorbar.box = True
        layer.face_colorbar.visible = True
        self._put(_TITLE, coloring.label, None)

    def _hide_bar(self, domains: DomainLayer) -> None:
        try:
            domains.layer.face_colorbar.visible = False
        except InputError:  # the layer is gone, and its bar with it
            return

    def _chips(self, colors: dict[str, str]) -> Generator[None, None, None]:
        """Write a chip a domain, in its colour."""
        overlays = self._viewer.canvas.overlays
        if colors:
            self._viewer.canvas.overlay_tiling.top_right = "vertical"
        wanted: list[tuple[str, str | None]] = [*islice(colors.items(), _MOST)]
        if left_out := len(colors) - len(wanted):
            wanted.append((f"and {left_out} more", None))
        chips = {f"{_KEY}{place:02}": chip for place, chip in enumerate(wanted)}
        for key, overlay in list(overlays.items()):
            if key.startswith(_KEY) and key not in chips:
                overlay.visible = False  # taking it off would lay out all others anew
        for key, (text, color) in chips.items():
            is_new = key not in overlays
            self._put(key, text, color)
            if is_new:
                yield

    def _put(self, key: str, text: str, color: str | None) -> None:
        from matplotlib.colors import to_rgb
        from napari.components.overlays import TextOverlay

        overlays = self._viewer.canvas.overlays
        given: dict[str, Any] = {
            "text": f" {text} ",
            "visible": True,
            "box": True,
            "box_color": color,
            "color": None,
        }
        if color is not None:
            light = float(np.array(to_rgb(color)) @ _LUMINANCE) > 0.4
            given["color"] = "black" if light else "white"
        overlay = overlays.get(key)
        if overlay is None:
            overlays[key] = TextOverlay(position="top_right", font_size=_FONT, **given)
        elif self._written.get(key) != given or not overlay.visible:
            for name, value in given.items():  # each has the chip drawn anew
                setattr(overlay, name, value)
        self._written[key] = given
