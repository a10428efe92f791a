"""A check box: whether the canvas says what the colours mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from napari_trsmi.viewer.domains.on_canvas import CanvasLegend
from napari_trsmi.widgets.common.panel import Panel

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_trsmi.viewer.domains.layer import DomainLayer


class CanvasLegendPanel(Panel):
    """Puts the legend, or the colour bar, of the followed run on the canvas.

    Parameters
    ----------
    viewer
        Whose canvas.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._legend = CanvasLegend(viewer)
        self.box = QCheckBox("Legend")
        self.box.setToolTip("Write on the canvas what the colours mean: domains, or a colour bar")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box)
        self.box.clicked.connect(self._show)

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.edits.changed, self._show)
        self._links.connect(domains.edits.visibility_changed, self._show)
        self._links.connect(domains.coloring_changed, self._show)
        self._links.connect(domains.layer.events.visible, self._show)

    def _refresh(self) -> None:
        self._show()

    def _show(self) -> None:
        domains = self._domains
        seen = self.box.isChecked() and domains is not None and domains.layer.visible
        self._legend.show(domains if seen else None)
