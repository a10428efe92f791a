"""Someone at a window: acts by mouse and keyboard, counts the actions, keeps what was seen."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QEvent, QMimeData, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMainWindow,
    QMenu,
    QPushButton,
    QTabWidget,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SIZE = (1280, 800)
PATIENCE = 300.0  # s
_LEFT = Qt.MouseButton.LeftButton


@dataclass
class Person:
    """Acts on a window, counts the actions, and keeps what was seen."""

    viewer: napari.Viewer
    folder: Path
    name: str
    actions: list[str] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)

    @classmethod
    def at(cls, theme: str, folder: Path, name: str) -> Person:
        """Sit down at a new window."""
        viewer = napari.Viewer()
        viewer.window.resize(*SIZE)
        viewer.theme = theme
        QTest.qWait(500)
        return cls(viewer, folder, name)

    @property
    def window(self) -> QMainWindow:
        """The main window."""
        return self.viewer.window._qt_window

    # -- looking ---------------------------------------------------------------

    def see(self, step: str) -> None:
        """Save what the window shows, or the dialog or menu that is over it."""
        QTest.qWait(600)
        over = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        picture = self.viewer.window.screenshot(canvas_only=False, flash=False)
        seen = Image.fromarray(picture).convert("RGB")
        if over is not None and over.isVisible():
            path = self._path(step)
            over.grab().save(str(path))
            part = Image.open(path).convert("RGB")
            place = over.mapToGlobal(over.rect().topLeft()) - self.window.mapToGlobal(
                self.window.rect().topLeft()
            )
            seen.paste(part, (place.x(), place.y()))
        seen.save(self._path(step))

    def _path(self, step: str) -> Path:
        number = len(self.actions)
        return self.folder / f"{self.name}-{self.viewer.theme}-{number:02}-{step}.png"

    def timed(self, said: str, done: Callable[[], object]) -> None:
        """Wait until something is so, and note how long that took."""
        begin = time.perf_counter()
        wait(done)
        self.took[said] = time.perf_counter() - begin

    # -- mouse -----------------------------------------------------------------

    def drop(self, paths: list[Path]) -> None:
        """Drop files on the canvas; a dialog that asks for the reader is confirmed with Enter."""
        self.actions.append(f"drop {', '.join(path.name for path in paths)}")
        begin = time.perf_counter()
        dialogs = QTimer()
        dialogs.timeout.connect(self._confirm)
        dialogs.start(300)
        target = self.window._qt_viewer
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        where = QPointF(target.rect().center())
        how = (Qt.DropAction.CopyAction, mime, _LEFT)
        none = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(target, QDragEnterEvent(where.toPoint(), *how, none))
        QApplication.sendEvent(target, QDropEvent(where, *how, none))
        dialogs.stop()
        self.took["drop"] = time.perf_counter() - begin

    def _confirm(self) -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QDialog):
            self.see("asked")
            self.actions.append(f"Enter in '{dialog.windowTitle()}'")
            QTest.keyClick(dialog, Qt.Key.Key_Return)

    def click(self, widget: QWidget, said: str) -> None:
        """Click into the middle of a widget, which has to be in sight."""
        assert not widget.visibleRegion().isEmpty(), said
        self.actions.append(f"click {said}")
        QTest.mouseClick(widget, _LEFT)

    def tab(self, tabs: QTabWidget, title: str) -> None:
        """Click the title of a tab."""
        bar = tabs.tabBar()
        place = next(at for at in range(bar.count()) if bar.tabText(at) == title)
        self.actions.append(f"click tab {title}")
        QTest.mouseClick(bar, _LEFT, pos=bar.tabRect(place).center())

    def pick(self, box: QComboBox, text: str) -> None:
        """Open a list and click an entry of it."""
        self.click(box, "the list")
        view = box.view()
        wait(view.isVisible)
        QTest.qWait(QApplication.doubleClickInterval() + 50)  # a click at once would be the first's
        self._cell(view, box.findText(text), 0, f"pick {text}")

    def cell(self, view: QAbstractItemView, row: int, column: int, said: str) -> None:
        """Click a cell of a table or list."""
        self._cell(view, row, column, f"click {said}")

    def double_click(self, view: QAbstractItemView, row: int, said: str) -> None:
        """Double-click the first cell of a row."""
        place = view.visualRect(view.model().index(row, 0)).center()
        self.actions.append(f"double-click {said}")
        QTest.mouseClick(view.viewport(), _LEFT, pos=place)
        QTest.mouseDClick(view.viewport(), _LEFT, pos=place)

    def _cell(self, view: QAbstractItemView, row: int, column: int, said: str) -> None:
        index = view.model().index(row, column)
        view.scrollTo(index)
        self.actions.append(said)
        QTest.mouseClick(view.viewport(), _LEFT, pos=view.visualRect(index).center())

    def entry(self, menu: QMenu, word: str) -> QMenu | None:
        """Click an entry of an open menu; return the menu that opens beside it, if one does."""
        wait(menu.isVisible)
        action = next(each for each in menu.actions() if word in each.text())
        self.actions.append(f"click {action.text().replace('&', '')}")
        QTest.mouseClick(menu, _LEFT, pos=menu.actionGeometry(action).center())
        return action.menu()

    def menu_of(self, button: QPushButton, said: str, word: str) -> None:
        """Click a button, and an entry of the menu that it opens, which is waited for in there."""
        self.actions.append(f"click {said}")

        def choose() -> None:
            self.see("menu")
            self.entry(button.menu(), word)

        QTimer.singleShot(300, choose)
        QTest.mouseClick(button, _LEFT)

    def main_menu(self, *words: str) -> None:
        """Click through the menus of the window."""
        bar = self.window.menuBar()
        action = next(each for each in bar.actions() if words[0] in each.text())
        self.actions.append(f"click menu {words[0]}")
        QTest.mouseClick(bar, _LEFT, pos=bar.actionGeometry(action).center())
        menu = action.menu()
        for word in words[1:]:
            menu = self.entry(menu, word)

    def drag(self, world: Sequence[Sequence[float]]) -> None:
        """Drag over places of the canvas, given as (row, column) in the world."""
        self.actions.append("drag on the tissue")
        canvas = self.window._qt_viewer.canvas.native
        camera = self.viewer.scene.camera
        middle = np.array([canvas.height(), canvas.width()]) / 2
        places = (np.asarray(world) - camera.center[-2:]) * camera.zoom + middle
        none = Qt.MouseButton.NoButton
        steps = [(QEvent.Type.MouseButtonPress, _LEFT, _LEFT, places[0])]
        steps += [(QEvent.Type.MouseMove, none, _LEFT, place) for place in places[1:]]
        for kind, button, buttons, place in steps:
            self._move(canvas, kind, button, buttons, place)
        self.see("drawn")
        self._move(canvas, QEvent.Type.MouseButtonRelease, _LEFT, none, places[-1])

    def _move(self, canvas: QWidget, kind, button, buttons, place) -> None:
        at = QPointF(float(place[1]), float(place[0]))
        held = Qt.KeyboardModifier.NoModifier
        QTest.qWait(15)  # vispy takes a hundred moves a second
        QApplication.sendEvent(
            canvas, QMouseEvent(kind, at, canvas.mapToGlobal(at), button, buttons, held)
        )

    # -- keys ------------------------------------------------------------------

    def type(self, text: str, widget: QWidget, *, enter: bool = True) -> None:
        """Type a word, and Enter: one action each."""
        self.actions.append(f"type {text.rpartition('/')[2]}")
        if isinstance(widget, QLineEdit):
            widget.selectAll()
        QTest.keyClicks(widget, text)
        if enter:
            self.actions.append("Enter")
            QTest.keyClick(widget, Qt.Key.Key_Return)

    def key(self, widget: QWidget, key: Qt.Key, said: str, held=None) -> None:
        """Press a key."""
        self.actions.append(f"press {said}")
        self.window.activateWindow()  # which a desktop does when a menu has closed
        QTest.qWaitForWindowActive(self.window, 2000)
        widget.setFocus()
        wait(widget.hasFocus)
        QTest.keyClick(widget, key, held or Qt.KeyboardModifier.NoModifier)

    def file_name(self, path: Path) -> None:
        """Paste a name into the file dialog that is open, and Enter.

        Typed faster than a person does, Qt's dialog takes what its list has selected meanwhile.
        """
        wait(lambda: self.window.findChildren(QFileDialog))
        dialog = self.window.findChildren(QFileDialog)[-1]
        wait(dialog.isVisible)
        field = dialog.findChild(QLineEdit)
        self.actions.append(f"paste {path.name}")
        QApplication.clipboard().setText(str(path))
        field.selectAll()
        QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        self.see("named")
        self.actions.append("Enter")
        QTest.keyClick(field, Qt.Key.Key_Return)


def wait(done: Callable[[], object]) -> None:
    """Let the window work until something is so."""
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        QTest.qWait(30)
