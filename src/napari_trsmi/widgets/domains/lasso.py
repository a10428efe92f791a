"""A lasso on the tissue: what is drawn around the spots selects them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton, QWidget

from napari_trsmi.viewer.domains.drawn import regions_of_spots
from napari_trsmi.viewer.regions import TOOL
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.common.panel import Panel

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Shapes

_COLOR = "#ffd700"
_AGAIN = "Drag around some spots on the tissue. Press Lasso again to leave it."


class LassoPanel(Panel):
    """A button: the next drag on the canvas selects the spots of the followed run inside it.

    Parameters
    ----------
    viewer
        Whose canvas.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._drawn: Shapes | None = None
        self.button = QPushButton("Lasso")
        self.button.setCheckable(True)
        self.button.setToolTip(
            "Select spots: drag around them on the tissue. With Shift held they are added to those "
            "that are selected"
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        self._finish = QTimer(self)  # napari goes on with the shape after it has told of it
        self._finish.setSingleShot(True)
        self._finish.timeout.connect(self._on_finish_timeout)
        self._viewer_links = Links(self)
        self._viewer_links.connect(viewer.layers.events.removed, self._on_layers_removed)
        self.button.clicked.connect(self._on_button_clicked)

    def _refresh(self) -> None:
        self._leave()

    def _on_button_clicked(self, wanted: bool) -> None:
        if wanted:
            self._begin()
        else:
            self._leave()

    def _begin(self) -> None:
        """Give napari's own lasso a layer of its own, whose units are pixels of the screen.

        napari simplifies what is drawn by a distance in data units, which is a whole tissue where
        coordinates are small.
        """
        from napari.layers import Shapes

        domains = self._domains
        if domains is None:
            return
        if reason := _why_not(self._viewer):
            self.button.setChecked(False)
            self.failed.emit(reason)
            return
        points, pixel = domains.layer, 1 / self._viewer.scene.camera.zoom
        self._drawn = Shapes(
            ndim=2,
            name="Lasso",
            scale=(pixel, pixel),
            units=points.units[-2:],
            axis_labels=points.axis_labels[-2:],
            metadata={TOOL: True},
        )
        self._drawn.current_edge_color, self._drawn.current_face_color = _COLOR, "transparent"
        self._viewer.add_layer(self._drawn)
        self._viewer.layers.selection.active = self._drawn
        self._drawn.mode = "add_polygon_lasso"
        self._drawn.events.data.connect(self._on_drawn)
        self.said.emit(_AGAIN)

    def _on_drawn(self, event: Any) -> None:
        drawn = self._drawn
        done = event.action == "added" and drawn is not None and "polygon" in drawn.shape_type
        if done:
            self._finish.start()

    def _on_finish_timeout(self) -> None:
        drawn, domains = self._drawn, self._domains
        if drawn is None or domains is None:
            return
        held = QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier

        def select() -> None:
            inside = np.flatnonzero(regions_of_spots(drawn, domains).notna().to_numpy())
            domains.select_spots(np.union1d(domains.selected(), inside) if held else inside)

        self._leave()
        self._try(select)

    def _leave(self) -> None:
        """Take the lasso off the window, and make the run the active layer again."""
        drawn, self._drawn = self._drawn, None
        if drawn is not None:
            self._finish.stop()
            drawn.events.data.disconnect(self._on_drawn)
            if drawn in self._viewer.layers:
                self._viewer.layers.remove(drawn)
            self.said.emit("")
            if self._domains is not None and self._domains.layer in self._viewer.layers:
                self._viewer.layers.selection.active = self._domains.layer
        self.button.setChecked(False)

    def _on_layers_removed(self) -> None:
        if self._drawn is not None and self._drawn not in self._viewer.layers:
            self._leave()


def _why_not(viewer: ViewerModel) -> str:
    """Why nothing can be drawn around; empty if it can."""
    if viewer.dims.ndisplay != 2:
        return "A lasso is drawn in two dimensions. Press napari's 2D/3D button, below the layers."
    if viewer.canvas.grid.enabled:
        return (
            "In napari's grid the lasso would lie in a cell of its own. Leave the grid (its button "
            "is below the layers), then press Lasso."
        )
    return ""
