"""The menu's way to save a session, and to open one with its docks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.notifications import show_error, show_info, show_warning
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_trsmi.errors import InputError, TRSMIError
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.session.opening import open_session
from napari_trsmi.viewer.session.saving import SUFFIX, save_session
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.common.unproxied import unproxied

if TYPE_CHECKING:
    from napari.viewer import Viewer

BY_REFERENCE = f"Session, tables stay where they are (*{SUFFIX})"
INSIDE = f"Session with its tables inside (*{SUFFIX})"
"""The two kinds of the dialog."""


def ask_where_to_save() -> QFileDialog:
    """Ask for a folder, and save the window there; the dialog does not block."""
    viewer = _viewer()
    dialog = QFileDialog(viewer.window._qt_window, "Save session")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)  # or a folder cannot be replaced
    dialog.setNameFilters([BY_REFERENCE, INSIDE])
    dialog.setDefaultSuffix(SUFFIX)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(
        lambda path: save(viewer, path, inside=dialog.selectedNameFilter() == INSIDE)
    )
    dialog.open()
    return dialog


def ask_what_to_open() -> QFileDialog:
    """Ask for a session, and open it; the dialog does not block."""
    viewer = _viewer()
    dialog = QFileDialog(viewer.window._qt_window, "Open session")
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda path: open_with_docks(viewer, path))
    dialog.open()
    return dialog


def save(viewer: Viewer, path: str, *, inside: bool) -> None:
    """Save a window, and say so, or why not."""
    try:
        folder = save_session(viewer, path, tables_inside=inside)
    except TRSMIError as error:
        show_error(str(error))
    else:
        show_info(f"The session is saved: {folder}")


def open_with_docks(viewer: Viewer, path: str) -> None:
    """Open a session, with the dock of its next step, and say what could not be brought back."""
    try:
        notes, outlined = open_session(viewer, path)
    except TRSMIError as error:
        show_error(str(error))
        return
    camera = viewer.scene.camera
    seen = camera.center, camera.zoom
    _open_dock(viewer, outlined)
    camera.center, camera.zoom = seen
    if notes:
        show_warning("\n".join(notes))


def _open_dock(viewer: Viewer, outlined: list[object]) -> None:
    from napari_trsmi.widgets.domains.dock import DomainsDock
    from napari_trsmi.widgets.integrate.dock import IntegrateDock

    if any(result_of(layer) is not None for layer in viewer.layers):
        active = viewer.layers.selection.active
        domains, _ = open_room(viewer, DomainsDock)
        for layer in viewer.layers:
            if layer in outlined:
                domains.show_run(layer)
        viewer.layers.selection.active = active
    elif any(dataset_of(layer) is not None for layer in viewer.layers):
        open_room(viewer, IntegrateDock)


def _viewer() -> Viewer:
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is None:
        raise InputError("There is no window. Call napari_trsmi in a viewer.")
    return unproxied(viewer)
