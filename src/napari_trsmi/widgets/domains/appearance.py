"""How the spots are drawn: as dots, rings or areas, how large, and how much they cover."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QFormLayout, QPushButton, QSlider, QWidget

from napari_trsmi.viewer.domains.areas import add_areas, area_colors, nearest_spots, shows_areas
from napari_trsmi.viewer.domains.layer import STYLES
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.common.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points
    from numpy.typing import NDArray

    from napari_trsmi.viewer.domains.layer import DomainLayer

TISSUE_KEY = "H"
"""Held on the canvas, it leaves the pictures alone."""

_TIPS = {
    "dots": "A disc for every spot",
    "rings": "A ring around what lies under a spot",
    "areas": "The tissue around every spot, filled",
}


class AppearancePanel(Panel):
    """Style, opacity and size of the followed layer's spots.

    Parameters
    ----------
    viewer
        Whose canvas.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._areas: WeakKeyDictionary[Points, tuple[Image, NDArray[np.int32]]] = (
            WeakKeyDictionary()
        )
        self._set_aside: list[Layer] = []
        self.background = Background(self)
        self.style_box = QComboBox()
        for place, style in enumerate(STYLES):
            self.style_box.addItem(style.capitalize(), style)
            self.style_box.setItemData(place, _TIPS[style], Qt.ItemDataRole.ToolTipRole)
        self.style_box.setToolTip("How the spots are drawn")
        self.opacity = _slider(5, 100, "How much the spots cover the tissue")
        self.enlarge = _slider(20, 150, "How large the spots are drawn, in percent of their size")
        self.tissue = QPushButton("Tissue only")
        self.tissue.setToolTip(f"Hold to see the pictures alone. On the canvas, hold {TISSUE_KEY}")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Draw as", self.style_box)
        form.addRow("Opacity", self.opacity)
        form.addRow("Size", self.enlarge)
        form.addRow("", self.tissue)
        self.style_box.activated.connect(self._on_style_activated)
        self.opacity.valueChanged.connect(self._on_opacity_changed)
        self.enlarge.valueChanged.connect(self._on_size_changed)
        self.tissue.pressed.connect(self.show_tissue)
        self.tissue.released.connect(self.show_all)
        self.background.finished.connect(self._on_background_finished)
        self.background.failed.connect(self.failed)
        viewer.bind_key(TISSUE_KEY, self._on_tissue_key, overwrite=True)
        self._viewer_links = Links(self)
        self._viewer_links.connect(viewer.layers.events.removed, self._on_layers_removed)
        self.destroyed.connect(partial(viewer.bind_key, TISSUE_KEY, None))

    def show_tissue(self) -> None:
        """Leave only the pictures of the tissue to be seen, until `show_all`."""
        from napari.layers import Image

        if not self._set_aside:
            self._set_aside = [
                layer
                for layer in self._viewer.layers
                if layer.visible and (not isinstance(layer, Image) or shows_areas(layer))
            ]
        for layer in self._set_aside:
            layer.visible = False

    def show_all(self) -> None:
        """Show again what `show_tissue` has set aside."""
        while self._set_aside:
            self._set_aside.pop().visible = True

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.painted, self._on_domains_painted)
        self._links.connect(domains.style_changed, self._on_domains_style_changed)
        self._links.connect(domains.layer.events.opacity, self._show_state)

    def _refresh(self) -> None:
        self.background.drop()
        self._show_state()
        if self._domains is not None:
            self._on_domains_style_changed()

    def _show_state(self) -> None:
        domains = self._domains
        if domains is None:
            return
        self.style_box.setCurrentIndex(STYLES.index(domains.style))
        for slider, share in (
            (self.opacity, domains.layer.opacity),
            (self.enlarge, domains.enlarged),
        ):
            blocked = slider.blockSignals(True)
            slider.setValue(round(100 * share))
            slider.blockSignals(blocked)
        self.enlarge.setEnabled(domains.style != "areas")

    def _on_tissue_key(self, viewer: ViewerModel) -> Generator[None, None, None]:  # noqa: ARG002
        self.show_tissue()
        yield
        self.show_all()

    def _on_style_activated(self, row: int) -> None:
        domains = self._domains
        if domains is not None:
            self._try(lambda: domains.draw_as(STYLES[row]))

    def _on_opacity_changed(self, percent: int) -> None:
        if self._domains is None:
            return
        points = self._domains.layer
        points.opacity = percent / 100
        if points in self._areas:
            self._areas[points][0].opacity = percent / 100

    def _on_size_changed(self, percent: int) -> None:
        domains = self._domains
        if domains is not None:
            self._try(lambda: domains.enlarge(percent / 100))

    def _on_domains_style_changed(self) -> None:
        domains = self._domains
        assert domains is not None  # noqa: S101
        self._show_state()
        points = domains.layer
        if domains.style != "areas":
            self._remove_areas(points)
        elif points not in self._areas:
            places = np.array(points.data, dtype=np.float64)[:, -2:]
            self.background.start(lambda: (domains, nearest_spots(places)))  # takes seconds

    def _on_background_finished(
        self, found: tuple[DomainLayer, tuple[NDArray[np.int32], float]]
    ) -> None:
        domains, (nearest, step) = found
        points = domains.layer
        if points in self._viewer.layers and domains.style == "areas":
            self._areas[points] = (add_areas(self._viewer, domains, nearest, step), nearest)

    def _on_domains_painted(self) -> None:
        domains = self._domains
        assert domains is not None  # noqa: S101
        if domains.layer in self._areas:
            layer, nearest = self._areas[domains.layer]
            layer.data = area_colors(domains, nearest)

    def _on_layers_removed(self) -> None:
        """Let go of areas that were removed, and draw their spots again."""
        for points, (layer, _) in list(self._areas.items()):
            if points not in self._viewer.layers:
                self._remove_areas(points)
            elif layer not in self._viewer.layers:
                del self._areas[points]
                if self._domains is not None and self._domains.layer is points:
                    self._domains.draw_as("dots")

    def _remove_areas(self, points: Points) -> None:
        layer, _ = self._areas.pop(points, (None, None))
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)


def _slider(least: int, most: int, tip: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(least, most)
    slider.setToolTip(tip)
    slider.setAccessibleName(tip)
    return slider
