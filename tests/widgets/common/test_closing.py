"""Closing a window asks first, where something would be lost."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.domains.writing import write_points
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock


class Answer:
    """Presses a button of the question, and notes what was asked."""

    def __init__(self, press):
        self.asked, self._press = [], press
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(50)

    def _look(self):
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            self.asked.append(box.text())
            next(b for b in box.buttons() if b.text() == self._press).click()


class Door(QObject):
    """Stands behind the guard: what comes to it would have closed the window."""

    def __init__(self, window):
        super().__init__(window)
        self.closed = False
        window.installEventFilter(self)

    def eventFilter(self, watched, event):  # noqa: N802
        if event.type() == QEvent.Type.Close and watched is self.parent() and not self.closed:
            self.closed = True
            event.ignore()
            return True
        return False


@pytest.fixture
def viewer(real_window, make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    Door(viewer.window._qt_window)
    return viewer


def close(viewer):
    """Close it as the menu and Ctrl+W do; return whether it would be closed."""
    door = viewer.window._qt_window.findChild(Door)
    door.closed = False
    viewer.window._qt_window.close()
    return door.closed


def test_edits_that_no_file_has_are_asked_for(viewer, make_scaled_result, tmp_path):
    points = add_domains(viewer, make_scaled_result())
    open_room(viewer, DomainsDock)
    edits = domain_layer(points).edits
    answer = Answer("Go back")
    edits.set_scale(0)  # what can be had again is no work
    assert not edits.unsaved
    edits.rename("1", "Stroma")
    assert not close(viewer)
    assert viewer.window._qt_window.isVisible()
    assert "The domains of TRSMI domains were edited" in answer.asked[0]
    edits.undo()
    assert not edits.unsaved
    edits.redo()
    assert edits.unsaved
    data, attributes, _ = points.as_layer_data_tuple()
    write_points(str(tmp_path / "domains.h5ad"), data, attributes)
    assert not edits.unsaved
    assert close(viewer)
    assert len(answer.asked) == 1


def test_a_run_that_is_going_on_is_asked_for(make_dock, small, qtbot, real_window):
    dock = make_dock(show=True, config=small.replace(epochs=100_000))
    window = dock._viewer.window._qt_window
    answer = Answer("Go back")
    dock.start()
    window.close()
    assert window.isVisible()
    assert answer.asked == ["A run is going on."]
    dock.controller.stop()
    qtbot.waitUntil(lambda: not dock.controller.running, timeout=20_000)


def test_a_person_may_close_all_the_same(viewer, make_result):
    points = add_domains(viewer, make_result())
    open_room(viewer, DomainsDock)
    domain_layer(points).edits.rename("1", "Stroma")
    answer = Answer("Close")
    assert close(viewer)
    assert len(answer.asked) == 1


def test_a_script_is_not_asked(viewer, make_result):
    points = add_domains(viewer, make_result())
    open_room(viewer, DomainsDock)
    domain_layer(points).edits.rename("1", "Stroma")
    answer, door = Answer("Go back"), viewer.window._qt_window.findChild(Door)
    viewer.window._qt_viewer.hide()  # as viewer.close() begins
    viewer.window._qt_window.close()
    assert door.closed
    assert not answer.asked
