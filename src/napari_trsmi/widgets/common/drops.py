"""Files that are dropped on the window go to their reader, without a question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QMainWindow, QWidget

from napari_trsmi.viewer.section.dropped import PLUGIN, sorted_drop
from napari_trsmi.viewer.section.reader import say_loading

if TYPE_CHECKING:
    from napari.viewer import Viewer

_NAME = "trsmi-drops"


class DropGuide(QObject):
    """Opens what this package reads, and leaves the rest to napari.

    napari asks for a reader wherever two can read a name: of every folder, and of every CSV. What
    is in them tells which of the two it is. With Shift (one stack) or Alt (choose a reader) held,
    napari does as it does without this.

    Parameters
    ----------
    window
        The main window.
    canvas
        What files are dropped on.
    viewer
        Where they open.
    """

    def __init__(self, window: QMainWindow, canvas: QWidget, viewer: Viewer) -> None:
        super().__init__(window)
        self.setObjectName(_NAME)
        self._viewer = ref(viewer)
        canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802, ARG002
        """Take a drop that this package has to do with."""
        if not isinstance(event, QDropEvent) or event.type() != QEvent.Type.Drop:
            return False
        held = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier
        data, viewer = event.mimeData(), self._viewer()
        if data is None or viewer is None or event.modifiers() & held:
            return False
        paths = [
            str(Path(url.toLocalFile())) if url.isLocalFile() else url.toString()
            for url in data.urls()
        ]
        others, sections = sorted_drop(paths)
        if not sections and not any(reader for _, reader in others):
            return False
        event.acceptProposedAction()
        say_loading(viewer, paths)
        for path, reader in others:  # first: a table that is dropped with a picture lies on it
            viewer.window._qt_viewer._qt_open([path], stack=False, plugin=reader)
        for tables in sections:
            viewer.open(tables, stack=len(tables) > 1, plugin=PLUGIN)
        return True


def guide_drops(window: QMainWindow, viewer: Viewer) -> None:
    """Look after what is dropped on a window from now on; once is enough."""
    canvas = getattr(window, "_qt_viewer", None)
    if isinstance(canvas, QWidget) and window.findChild(DropGuide, _NAME) is None:
        DropGuide(window, canvas, viewer)
