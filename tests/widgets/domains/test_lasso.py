"""Spots are selected by a drag around them on the canvas of a real window."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock

pytestmark = pytest.mark.usefixtures("real_window")


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


def drag(viewer, world, held=Qt.KeyboardModifier.NoModifier):
    """Drag the mouse over places in the world, row and column."""
    canvas = viewer.window._qt_viewer.canvas.native
    camera = viewer.scene.camera
    middle = np.array([canvas.height(), canvas.width()]) / 2
    places = (np.asarray(world) - camera.center[-2:]) * camera.zoom + middle
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    steps = [(QEvent.Type.MouseButtonPress, left, left, places[0])]
    steps += [(QEvent.Type.MouseMove, none, left, place) for place in places[1:]]
    steps += [(QEvent.Type.MouseButtonRelease, left, none, places[-1])]
    for kind, button, buttons, (row, column) in steps:
        at = QPointF(float(column), float(row))
        event = QMouseEvent(kind, at, canvas.mapToGlobal(at), button, buttons, held)
        QApplication.sendEvent(canvas, event)
        QTest.qWait(15)  # vispy takes a hundred moves a second


def around(rows, columns, margin=4.0):
    """Corners and edges of a rectangle, in steps."""
    top, bottom = min(rows) - margin, max(rows) + margin
    left, right = min(columns) - margin, max(columns) + margin
    corners = np.array(
        [(top, left), (top, right), (bottom, right), (bottom, left), (top, left)], dtype=float
    )
    parts = [np.linspace(a, b, 12) for a, b in pairwise(corners)]
    return np.concatenate(parts)


def test_a_drag_around_spots_selects_them(viewer, make_result, qtbot):
    points = add_domains(viewer, make_result(), name="run")
    dock, _ = open_room(viewer, DomainsDock)
    qtbot.wait(300)
    names = [layer.name for layer in viewer.layers]
    wanted = [0, 1, 2, 12, 13, 14]
    places = np.asarray(points.data)[wanted]
    qtbot.mouseClick(dock.lasso.button, Qt.MouseButton.LeftButton)
    assert "Lasso" in viewer.layers
    qtbot.wait(100)
    camera = viewer.scene.camera.center
    drag(viewer, around(places[:, 0], places[:, 1]))
    qtbot.waitUntil(lambda: not dock.lasso.button.isChecked())
    assert sorted(points.selected_data) == wanted
    assert [layer.name for layer in viewer.layers] == names
    assert viewer.layers.selection.active is points
    assert viewer.scene.camera.center == camera
    qtbot.waitUntil(lambda: "6 spots selected" in dock.selection.text())


def test_a_lasso_around_nothing_says_so_and_goes(viewer, make_result, qtbot):
    points = add_domains(viewer, make_result(), name="run")
    dock, _ = open_room(viewer, DomainsDock)
    qtbot.wait(300)
    qtbot.mouseClick(dock.lasso.button, Qt.MouseButton.LeftButton)
    qtbot.wait(100)
    drag(viewer, around([-30, -10], [20, 60]))
    qtbot.waitUntil(lambda: not dock.lasso.button.isChecked())
    assert "No spot" in dock.message.text()
    assert not points.selected_data
    qtbot.mouseClick(dock.lasso.button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dock.lasso.button, Qt.MouseButton.LeftButton)
    assert "Lasso" not in viewer.layers
    qtbot.mouseClick(dock.lasso.button, Qt.MouseButton.LeftButton)
    viewer.layers.remove("Lasso")
    assert not dock.lasso.button.isChecked()


def test_where_nothing_can_be_drawn_around_it_says_why(viewer, make_result, qtbot):
    add_domains(viewer, make_result(), name="run")
    dock, _ = open_room(viewer, DomainsDock)
    viewer.canvas.grid.enabled = True
    qtbot.mouseClick(dock.lasso.button, Qt.MouseButton.LeftButton)
    assert "Leave the grid" in dock.message.text()
    viewer.canvas.grid.enabled = False
    viewer.dims.ndisplay = 3
    qtbot.mouseClick(dock.lasso.button, Qt.MouseButton.LeftButton)
    assert "two dimensions" in dock.message.text()
    assert "Lasso" not in viewer.layers
    assert not dock.lasso.button.isChecked()
    viewer.dims.ndisplay = 2
