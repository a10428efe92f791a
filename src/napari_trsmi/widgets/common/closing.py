"""Asking before a window is closed over a run, or over names that no file has."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QMainWindow, QMessageBox, QWidget

from napari_trsmi.data.wording import listed
from napari_trsmi.viewer.domains.layer import unsaved_layers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import ViewerModel

    from napari_trsmi.widgets.common.room import Room

_NAME = "trsmi-closing"


class ClosingGuard(QObject):
    """Looks at what would be lost when a person closes the window; a script's closing is let be.

    Parameters
    ----------
    window
        The main window.
    viewer
        What it shows.
    """

    def __init__(self, window: QMainWindow, viewer: ViewerModel) -> None:
        super().__init__(window)
        self.setObjectName(_NAME)
        self._viewer = ref(viewer)
        self._sure = False
        window.installEventFilter(self)

    @property
    def _window(self) -> QMainWindow:
        window = self.parent()
        assert isinstance(window, QMainWindow)  # noqa: S101
        return window

    def reasons(self) -> list[str]:
        """What would be lost, a sentence each."""
        from napari_trsmi.widgets.common.room import Room

        return reasons_to_stay(self._window.findChildren(Room), self._viewer())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Ask, where something would be lost."""
        if event is None or event.type() != QEvent.Type.Close or watched is not self.parent():
            return False
        if self._sure or self._closed_by_script():
            return False
        reasons = self.reasons()
        if not reasons:
            return False
        if not self._ask(reasons):
            event.ignore()
            return True
        self._sure = True
        if not event.spontaneous():
            return False
        event.ignore()  # napari would ask once more
        QTimer.singleShot(0, self._window.close)
        return True

    def _closed_by_script(self) -> bool:
        """Tell whether `viewer.close()` is at work, which closes the canvas first."""
        canvas = getattr(self._window, "_qt_viewer", None)
        return isinstance(canvas, QWidget) and canvas.isHidden()

    def _ask(self, reasons: list[str]) -> bool:
        box = QMessageBox(self._window)
        box.setWindowTitle("Close the window?")
        box.setIcon(QMessageBox.Icon.Warning)
        box.setText("\n".join(reasons))
        box.setInformativeText("Closing the window ends that, and it cannot be brought back.")
        close = box.addButton("Close", QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton("Go back", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        box.exec()
        box.deleteLater()
        return box.clickedButton() is close


def reasons_to_stay(rooms: Iterable[Room], viewer: ViewerModel | None) -> list[str]:
    """What would be lost with some docks and all layers: runs and edits, a sentence each."""
    found = [room.unfinished() for room in rooms if room.unfinished()]
    unsaved = [layer.name for layer in unsaved_layers([] if viewer is None else viewer.layers)]
    if unsaved:
        found.append(f"The domains of {listed(unsaved)} were edited, and no file has that.")
    return found


def guard(window: QMainWindow, viewer: ViewerModel) -> None:
    """Look after a window from now on; once is enough."""
    if window.findChild(ClosingGuard, _NAME) is None:
        ClosingGuard(window, viewer)
