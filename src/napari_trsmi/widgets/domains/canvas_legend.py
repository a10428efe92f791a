"""A check box: whether the canvas says what the colours mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from napari_trsmi.viewer.domains.on_canvas import CanvasLegend
from napari_trsmi.widgets.common.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel

    from napari_trsmi.viewer.domains.layer import DomainLayer

_PAUSE = 20  # ms in which the window draws what is new


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
        self._showing: Iterator[None] = iter(())
        self._next = QTimer(self)
        self._next.setInterval(_PAUSE)
        self._next.timeout.connect(self._go_on)
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
        self._showing = self._legend.iter_show(domains if seen else None)
        self._next.start()
        self._go_on()

    def _go_on(self) -> None:
        """Write what is left of the legend, up to a chip that is to be drawn first."""
        try:
            next(self._showing)
        except StopIteration:
            self._next.stop()
