"""A box that offers layers of a viewer, and keeps up with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_trsmi.widgets.common.links import Links

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Layer


class LayerBox(QComboBox):
    """Offers the layers of some sort, and none.

    Parameters
    ----------
    viewer
        Whose layers.
    accepts
        Whether a layer is offered.
    none
        What the choice of no layer is called.

    Attributes
    ----------
    chosen
        Emitted with the layer, or None, that the user chose. Not for what `show_layer` does.
    """

    chosen = Signal(object)

    def __init__(
        self,
        viewer: ViewerModel,
        *,
        accepts: Callable[[Layer], bool],
        none: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._accepts, self._none = viewer, accepts, none
        self._offered: list[Layer | None] = [None]
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.addItem(none)
        self.activated.connect(self._on_activated)
        links = Links(self)
        events = viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            links.connect(event, self._on_layers_changed)
        self._named = Links(self)
        self._refill()

    @property
    def layer(self) -> Layer | None:
        """The layer shown."""
        return self._offered[self.currentIndex()]

    def show_layer(self, layer: Layer | None) -> None:
        """Show a layer, without saying that the user chose it."""
        place = next((i for i, known in enumerate(self._offered) if known is layer), 0)
        self.setCurrentIndex(place)

    def _on_activated(self, index: int) -> None:
        self.chosen.emit(self._offered[index])

    def _on_layers_changed(self, event: object = None) -> None:  # noqa: ARG002
        self._refill()

    def _refill(self) -> None:
        shown = self.layer
        # the topmost layer first, as in the layer list
        offered = [layer for layer in reversed(self._viewer.layers) if self._accepts(layer)]
        self._offered = [None, *offered]
        self._named.clear()
        for layer in offered:
            self._named.connect(layer.events.name, self._on_layers_changed)
        self.clear()
        self.addItem(self._none)
        self.addItems([layer.name for layer in offered])
        self.show_layer(shown)
