"""The scale of the followed domains: from states of single spots to regions of tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from napari_trsmi.widgets.common.panel import Panel

if TYPE_CHECKING:
    from napari_trsmi.viewer.domains.layer import DomainLayer

_TIP = (
    "States (left): what kind of spot it is, wherever it lies. Regions (right): which part of the "
    "tissue it lies in. Names and colours stay with the domains."
)
_ONE = (
    "This run found domains at one scale alone. Run again with all scales (Integrate, Advanced) to "
    "move between states and regions."
)
_NONE = "No domains are shown."


class ScalePanel(Panel):
    """A slider over the scales that a run found domains at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Scale of the domains")
        self.slider.setPageStep(1)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setTickInterval(1)
        self.states, self.regions = QLabel("States"), QLabel("Regions")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.states, self.slider, self.regions):
            layout.addWidget(widget, 1 if widget is self.slider else 0)
        self.slider.valueChanged.connect(self._on_slider_value_changed)

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.edits.changed, self._refresh)

    def _refresh(self) -> None:
        domains = self._domains
        scales = () if domains is None else domains.edits.scales
        self.setEnabled(bool(scales))
        blocked = self.slider.blockSignals(True)
        self.slider.setRange(0, max(len(scales) - 1, 0))
        if domains is not None and scales:
            shown = domains.edits.scale or 0.0
            self.slider.setValue(min(range(len(scales)), key=lambda at: abs(scales[at] - shown)))
            self.setToolTip(f"Scale {shown:g}. {_TIP}")
        else:
            self.setToolTip(_NONE if domains is None else _ONE)
        self.slider.blockSignals(blocked)

    def _on_slider_value_changed(self, step: int) -> None:
        domains = self._domains
        if domains is not None:
            self._try(lambda: domains.edits.set_scale(domains.edits.scales[step]))
