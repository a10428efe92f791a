"""The docks of a window in a session: which are open, where, and what is chosen in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QDockWidget

from napari_trsmi.errors import TRSMIError
from napari_trsmi.widgets.common.room import Room, open_room

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.viewer import Viewer


def kept_docks(viewer: Viewer) -> list[dict[str, Any]]:
    """Write down the open docks of this package, in plain JSON types."""
    window = viewer.window._qt_window
    kept = []
    for room in window.findChildren(Room):
        dock = room.parentWidget()
        if not isinstance(dock, QDockWidget) or dock.isHidden():
            continue
        place = dock.geometry()
        kept.append(
            {
                "dock": room.menu_name,
                "area": window.dockWidgetArea(dock).name,
                "floating": dock.isFloating(),
                "place": [place.x(), place.y(), place.width(), place.height()],
                "in_front": not room.visibleRegion().isEmpty(),
                "state": room.state(),
            }
        )
    return kept


def open_again(viewer: Viewer, kept: Sequence[Mapping[str, Any]]) -> None:
    """Open docks in the order in which their tabs were."""
    kinds = {kind.menu_name: kind for kind in _kinds()}
    for said in kept:
        if said.get("dock") in kinds:
            open_room(viewer, kinds[said["dock"]])


def bring_back(viewer: Viewer, kept: Sequence[Mapping[str, Any]]) -> list[str]:
    """Open docks as they were.

    Parameters
    ----------
    viewer
        The window, with the layers of the session.
    kept
        What `kept_docks` wrote down.

    Returns
    -------
    What could not be brought back, a sentence each.
    """
    kinds = {kind.menu_name: kind for kind in _kinds()}
    notes: list[str] = []
    seen: list[Room] = []
    for said in kept:
        if (kind := kinds.get(said.get("dock", ""))) is None:
            continue
        room, _ = open_room(viewer, kind)
        try:
            _put(viewer, room, said)
            room.restore(said["state"])
            if said["in_front"]:
                seen.append(room)
        except (AttributeError, KeyError, TypeError, ValueError, TRSMIError) as error:
            notes.append(f"What was chosen in {kind.menu_name} could not be brought back: {error}")
    for room in seen:
        room.come_forward()
    return notes


def settle() -> None:
    """Let Qt lay the docks out, so that the canvas has its size."""
    QApplication.sendPostedEvents()
    QApplication.processEvents()


def _put(viewer: Viewer, room: Room, said: Mapping[str, Any]) -> None:
    window, dock = viewer.window._qt_window, room.parentWidget()
    if not isinstance(dock, QDockWidget):
        return
    area = Qt.DockWidgetArea[said["area"]]
    if said["floating"]:
        dock.setFloating(True)
        dock.setGeometry(*said["place"])
        return
    if window.dockWidgetArea(dock) != area:
        window.addDockWidget(area, dock)
    upright = area in (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea)
    length = said["place"][2 if upright else 3]
    way = Qt.Orientation.Horizontal if upright else Qt.Orientation.Vertical
    window.resizeDocks([dock], [length], way)


def _kinds() -> tuple[type[Room], ...]:
    from napari_trsmi.widgets.domains.dock import DomainsDock
    from napari_trsmi.widgets.integrate.dock import IntegrateDock
    from napari_trsmi.widgets.landmarks.dock import LandmarksDock
    from napari_trsmi.widgets.plots.dock import PlotsDock
    from napari_trsmi.widgets.public_data.dock import PublicDataDock

    return IntegrateDock, DomainsDock, PlotsDock, LandmarksDock, PublicDataDock
