"""The window's ways to save a session, and to open one with its docks: menu, drop, File > Open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error, show_info, show_warning
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QFileDialog, QLineEdit, QMessageBox, QWidget

from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError, TRSMIError
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.session.association import open_by_itself
from napari_trsmi.viewer.session.opening import check_session, look, open_session
from napari_trsmi.viewer.session.saving import SUFFIX, is_session, save_session
from napari_trsmi.widgets.common.closing import reasons_to_stay
from napari_trsmi.widgets.common.room import Room, open_room
from napari_trsmi.widgets.common.unproxied import unproxied
from napari_trsmi.widgets.session.docks import bring_back, kept_docks, open_again, settle

if TYPE_CHECKING:
    from napari.layers import Points
    from napari.viewer import Viewer

BY_REFERENCE = f"Session, tables stay where they are (*{SUFFIX})"
INSIDE = f"Session with its tables inside (*{SUFFIX})"
"""The two kinds of the dialog."""


class SaveDialog(QFileDialog):
    """Asks for the folder of a session, new or to be replaced.

    Qt's own dialog goes into a folder that is there, and a native one cannot replace it.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Save session")
        self.setOption(QFileDialog.Option.DontUseNativeDialog)
        self.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        self.setFileMode(QFileDialog.FileMode.AnyFile)
        self.setNameFilters([BY_REFERENCE, INSIDE])
        self.setDefaultSuffix(SUFFIX)
        for label, text in (
            (QFileDialog.DialogLabel.LookIn, "Folder:"),
            (QFileDialog.DialogLabel.FileType, "Kind:"),
            (QFileDialog.DialogLabel.Accept, "Save"),
        ):
            self.setLabelText(label, text)
        self.selectFile(f"session{SUFFIX}")

    def accept(self) -> None:
        """Take what is typed: what is selected in the list may lag behind it."""
        field = self.findChild(QLineEdit)
        typed = "" if field is None else field.text().strip()
        chosen = Path(self.directory().absolutePath()) / Path(typed).expanduser()
        if not typed or (chosen.is_dir() and not is_session(chosen)):
            super().accept()  # which goes into the folder
            return
        named = chosen if chosen.suffix == SUFFIX else chosen.with_name(chosen.name + SUFFIX)
        if not is_session(named) or self._may_replace(named):
            self.fileSelected.emit(str(named))
            self.done(QDialog.DialogCode.Accepted)

    def _may_replace(self, session: Path) -> bool:
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Replace the session?")
        box.setText(f"{session.name} is there already.")
        box.setInformativeText("Replacing it removes what was saved in it.")
        replace = box.addButton("Replace", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Go back", QMessageBox.ButtonRole.RejectRole)
        box.exec()
        box.deleteLater()
        return box.clickedButton() is replace


def ask_where_to_save() -> QFileDialog:
    """Ask for a folder, and save the window there; the dialog does not block."""
    viewer = _viewer()
    dialog = SaveDialog(viewer.window._qt_window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(
        lambda path: save(viewer, path, inside=dialog.selectedNameFilter() == INSIDE)
    )
    dialog.open()
    return dialog


def ask_what_to_open(path: str | None = None) -> QFileDialog | None:
    """Open a session that was dropped or chosen, or ask for one; the dialog does not block."""
    viewer = _viewer()
    if path is not None:
        open_with_docks(viewer, path)
        return None
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
        folder = save_session(viewer, path, tables_inside=inside, docks=kept_docks(viewer))
    except TRSMIError as error:
        show_error(str(error))
    else:
        open_by_itself()
        show_info(f"The session is saved: {folder}")


def open_with_docks(viewer: Viewer, path: str) -> None:
    """Open a session in the place of what is open, and say what could not be brought back.

    What would be lost is asked about. If the session cannot be opened, the window stays as it is.
    """
    window, before = viewer.window._qt_window, list(viewer.layers)
    active = viewer.layers.selection.active
    try:
        check_session(path)
        rooms = [room for room in window.findChildren(Room) if room.of_layers]
        if before and not _ask(viewer, reasons_to_stay(rooms, viewer)):
            return
        for room in rooms:
            room.leave()
        viewer.layers.clear()
        try:
            opened = open_session(viewer, path)
        except TRSMIError:
            viewer.layers.clear()
            viewer.layers.extend(before)
            viewer.layers.selection.active = active
            raise
    except TRSMIError as error:
        show_error(str(error))
        return
    open_again(viewer, opened.docks)
    _open_dock(viewer, opened.outlined)
    notes = opened.notes + bring_back(viewer, opened.docks)
    settle()
    look(viewer, opened.view)
    open_by_itself()
    if notes:
        show_warning("\n".join(notes))


def _ask(viewer: Viewer, lost: list[str]) -> bool:
    """Ask whether the session may take the place of what is open."""
    box = QMessageBox(viewer.window._qt_window)
    box.setWindowTitle("Open the session?")
    box.setText("\n".join(lost) or "The session takes the place of what is open in this window.")
    removed = counted(len(viewer.layers), "layer")
    box.setInformativeText(
        f"Opening the session removes the {removed} of this window"
        + (", and that is lost." if lost else ".")
    )
    box.setIcon(QMessageBox.Icon.Warning if lost else QMessageBox.Icon.Question)
    box.addButton("Open", QMessageBox.ButtonRole.AcceptRole)
    stay = box.addButton("Go back", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(stay)
    box.setEscapeButton(stay)
    box.exec()
    box.deleteLater()
    return box.clickedButton() is not stay


def _open_dock(viewer: Viewer, outlined: list[Points]) -> None:
    """Open the dock of the next step, and draw the outlines that were drawn."""
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
