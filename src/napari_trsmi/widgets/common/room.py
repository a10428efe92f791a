"""A dock's content, and its place in the window: beside its kin as a tab, never below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_trsmi.viewer.sight import keep_in_sight
from napari_trsmi.widgets.common.autosave import autosave
from napari_trsmi.widgets.common.closing import guard
from napari_trsmi.widgets.common.drops import guide_drops
from napari_trsmi.widgets.common.kept import choose, chosen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.viewer import Viewer

R = TypeVar("R", bound="Room")


class Room(QWidget):
    """The content of a dock. All of the package share one place in a window, as tabs.

    One below the other they would force the window to be higher than a laptop's screen. napari 0.9
    does not read ``tabify`` in a manifest, so that each finds its place itself. It may be moved
    from there.
    """

    _viewer: Viewer
    menu_name = ""
    """What napari's menus call the dock, by which they find one that is open."""
    of_layers = True
    """Whether what goes on in here belongs to the layers of the window."""

    def event(self, event: QEvent | None) -> bool:
        """Listen to the dock that this is put into."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            dock = self.parentWidget()
            if isinstance(dock, QDockWidget):
                dock.dockLocationChanged.connect(self._on_dock_placed)
                keep_in_sight(self._viewer)
            elif dock is None:
                self.leave()
                QTimer.singleShot(0, self._on_left)
        return super().event(event)

    def leave(self) -> None:
        """End what goes on in here: napari has closed the dock for good."""

    def unfinished(self) -> str:
        """What would be lost if the window were closed now, in a sentence; empty if nothing."""
        return ""

    def controls(self) -> dict[str, QWidget]:
        """Controls whose choices a session keeps, in the order in which they are chosen again."""
        return {}

    def state(self) -> dict[str, Any]:
        """What a session keeps of the dock, in plain JSON types."""
        return {name: chosen(control) for name, control in self.controls().items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Bring back what `state` returned, as far as it is there."""
        for name, control in self.controls().items():
            if name in state:
                choose(control, state[name])

    def come_forward(self) -> None:
        """Be the tab that is seen."""
        dock = self.parentWidget()
        if isinstance(dock, QDockWidget):
            dock.show()
            dock.raise_()

    def _on_left(self) -> None:
        """Go, unless a script has put this into another dock.

        napari leaves it to Python, which may look for it much later: a run or download sets garbage
        aside while it lasts.
        """
        if self.parentWidget() is None:
            self.deleteLater()

    def _on_dock_placed(self) -> None:
        """Join the others where they are, the first time only."""
        dock = self.parentWidget()
        window = None if dock is None else dock.parentWidget()
        if not isinstance(dock, QDockWidget) or not isinstance(window, QMainWindow):
            return
        dock.dockLocationChanged.disconnect(self._on_dock_placed)
        guard(window, self._viewer)
        guide_drops(window, self._viewer)
        autosave(window, self._viewer)
        others = [
            other
            for room in window.findChildren(Room)
            if room is not self
            and isinstance(other := room.parentWidget(), QDockWidget)
            and not (other.isFloating() or other.isHidden())
        ]
        if others:
            window.tabifyDockWidget(others[-1], dock)
            dock.show()
            dock.raise_()


def open_room(viewer: Viewer, kind: type[R]) -> tuple[R, bool]:
    """Bring a dock forward, or open it.

    Parameters
    ----------
    viewer
        The window.
    kind
        Which dock.

    Returns
    -------
    tuple
        The dock's content, and whether it has been opened now.
    """
    window = viewer.window._qt_window
    found = next(iter(window.findChildren(kind)), None)
    if found is not None:
        found.come_forward()
        return found, False
    room = kind(viewer)
    viewer.window.add_dock_widget(room, name=kind.menu_name)
    room.come_forward()
    return room, True
