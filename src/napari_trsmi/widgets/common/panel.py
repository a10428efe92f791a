"""What the parts of the Domains dock have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_trsmi.errors import TRSMIError
from napari_trsmi.widgets.common.links import Links

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_trsmi.viewer.domains.layer import DomainLayer


class Panel(QWidget):
    """A part of the dock that shows one layer of domains at a time.

    Attributes
    ----------
    said
        Emitted with a sentence for the user.
    failed
        Emitted with why something could not be done.
    plot_wanted
        Emitted with the name of a plot that the user wants to see in its own dock.
    """

    said = Signal(str)
    failed = Signal(str)
    plot_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._domains: DomainLayer | None = None
        self._links = Links(self)

    def follow(self, domains: DomainLayer | None) -> None:
        """Show another layer's domains, or none."""
        self._links.clear()
        self._domains = domains
        self.setEnabled(domains is not None)
        if domains is not None:
            self._connect(domains)
        self._refresh()

    def _connect(self, domains: DomainLayer) -> None:
        """Listen to the layer's events, with `self._links`."""

    def _refresh(self) -> None:
        """Show what is followed now."""

    def _try(self, action: Callable[[], object]) -> bool:
        """Do something; tell why if it cannot be done."""
        try:
            action()
        except TRSMIError as error:
            self.failed.emit(str(error))
            return False
        self.failed.emit("")
        return True


def narrow(combo: QComboBox) -> None:
    """Let a combo box be narrower than its longest entry, which would widen the dock."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
