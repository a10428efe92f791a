"""napari's scale bar, in micrometres where a section's scale is known.

The world stays in pixels of the picture, because other layers lie in it: only the bar is told how
long a pixel is.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from napari_trsmi.result_sections import GRID_MICROMETRES
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.plane import Plane

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import ViewerModel
    from napari.layers import Layer


def micrometres_of_world(layers: Iterable[Layer]) -> float | None:
    """How many micrometres a unit of the world is, by the topmost spots whose scale is known."""
    found = None
    for layer in layers:
        known = _micrometres(layer)
        if known is not None:
            found = known / Plane.of(layer).magnification
    return found


def _micrometres(layer: Layer) -> float | None:
    """Of a unit of a layer's points; those of several sections lie side by side."""
    result = result_of(layer)
    if result is not None and result.sections is not None:
        known: float | None = result.record.get(GRID_MICROMETRES)
        return known
    held = result or dataset_of(layer)
    return None if held is None else held.micrometres_per_unit


def show_scale_bar(viewer: ViewerModel) -> None:
    """Show the bar, and keep its unit right; one that the user has turned off stays so.

    Parameters
    ----------
    viewer
        The window.
    """
    overlays = viewer.canvas.overlays
    known, bar, metric = micrometres_of_world(viewer.layers), overlays["scale_bar"], _metric_bar()
    if metric is None:
        bar.visible = True
    elif isinstance(bar, metric):
        bar.micrometres = known
    else:
        kept = {name: getattr(bar, name) for name in ("position", "font_size", "ticks")}
        # in a box: over a picture it would not be read
        overlays["scale_bar"] = metric(micrometres=known, visible=True, box=True, **kept)


@cache
def _metric_bar() -> type[Any] | None:
    """Make a scale bar that knows the world's unit; None if napari has moved what draws it.

    What draws napari's bar is private. It takes its unit from the layers, and none of theirs is a
    pixel of so and so many micrometres.
    """
    try:
        import pint
        from napari._vispy.overlays.scale_bar import VispyScaleBarOverlay
        from napari._vispy.utils.visual import overlay_to_visual
        from napari.components.overlays import ScaleBarOverlay
    except ImportError:
        return None

    class MetricScaleBar(ScaleBarOverlay):  # type: ignore[misc]
        """Has the micrometres per unit of the world; None leaves it to the layers."""

        micrometres: float | None = None

        @property
        def unit(self) -> None:
            """What draws the bar listens to it; it has been without meaning since napari 0.9."""

        @unit.setter
        def unit(self, value: object) -> None:
            pass

    class VispyMetricScaleBar(VispyScaleBarOverlay):  # type: ignore[misc]
        """Draws it."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.overlay.events.micrometres.connect(self._on_unit_change)

        def _on_unit_change(self) -> None:
            known = self.overlay.micrometres
            if known is None:
                super()._on_unit_change()
                return
            self._unit = pint.Quantity(known, "micrometer")
            self._on_size_or_zoom_change(force=True)

    overlay_to_visual[MetricScaleBar] = VispyMetricScaleBar
    return MetricScaleBar
