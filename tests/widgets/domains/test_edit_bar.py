"""Merging and assigning do what is chosen and say it first; shortcuts are the dock's own."""

import numpy as np
import pytest
from napari._app_model import get_app_model
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QLineEdit

from napari_trsmi import add_domains
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.dock import DomainsDock


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def points(viewer, make_result):
    return add_domains(viewer, make_result(n_domains=4), name="run")


@pytest.fixture
def dock(qtbot, viewer, points):
    dock = DomainsDock(viewer)
    qtbot.addWidget(dock)
    dock.show()
    return dock


def choose(dock, *names):
    dock.legend.select_quietly(names)
    dock.legend.chosen.emit(list(names))


def test_merge_says_which_domains_with_how_many_spots(dock, points):
    choose(dock, "2", "3")
    merge = dock.edit_bar.merge
    assert merge.text() == "Merge 2"
    assert "2 (15 spots) and 3 (15 spots)" in merge.toolTip()
    domain_layer(points).edits.rename("3", "lumen")
    choose(dock, "2", "lumen")
    merge.click()
    assert "one domain now: lumen" in dock.message.text()
    assert domain_layer(points).edits.counts["lumen"] == 30


def test_spots_of_several_domains_are_not_merged_as_whole_domains(dock, points, qtbot):
    points.selected_data = {0, 1, 3, 4}
    qtbot.waitUntil(lambda: dock.legend.selected_names() == ["1", "2"])
    assert not dock.edit_bar.merge.isEnabled()
    assert "assign the spots" in dock.edit_bar.merge.toolTip()
    dock.edit_bar.merge_selected()
    assert "Only some spots" in dock.message.text()
    assert domain_layer(points).edits.names == ("1", "2", "3", "4")


def test_selected_spots_become_a_new_domain_that_is_named(dock, points, qtbot):
    points.selected_data = {0, 1, 3, 4}
    qtbot.waitUntil(dock.edit_bar.assign.isEnabled)
    dock.edit_bar._menu.aboutToShow.emit()
    titles = [action.text() for action in dock.edit_bar._menu.actions()]
    assert titles[:5] == ["New domain", *(f"Assign to {name}" for name in "1234")]
    dock.edit_bar._menu.actions()[0].trigger()
    editor = dock.legend.findChild(QLineEdit)
    editor.setText("tumour")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    edits = domain_layer(points).edits
    qtbot.waitUntil(lambda: "tumour" in edits.names)
    assert edits.counts["tumour"] == 4
    dock.edit_bar.undo.click()
    dock.edit_bar.undo.click()
    assert edits.names == ("1", "2", "3", "4")


@pytest.mark.usefixtures("real_window")
def test_no_shortcut_is_napari_s(make_napari_viewer, make_result, qtbot):
    viewer = make_napari_viewer(show=True)
    window = viewer.window._qt_window
    theirs = {shortcut.key().toString() for shortcut in window.findChildren(QShortcut)}
    theirs |= {
        QKeySequence(str(known.keybinding)).toString() for known in get_app_model().keybindings
    }
    theirs |= {QKeySequence(str(key)).toString() for key in ViewerModel.class_keymap}
    assert {"Ctrl+M", "Ctrl+Y"} <= theirs
    points = add_domains(viewer, make_result(n_domains=4))
    dock = DomainsDock(viewer)
    viewer.window.add_dock_widget(dock, name="Domains")
    ours = {shortcut.key().toString() for shortcut in dock.findChildren(QShortcut)}
    assert len(ours) == 3
    assert not ours & theirs
    # in the main window itself, with the focus in the dock
    edits = domain_layer(points).edits
    dock.activateWindow()
    dock.legend.setFocus()
    qtbot.waitUntil(dock.legend.hasFocus)
    choose(dock, "1", "4")
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.keyClick(dock.legend, Qt.Key.Key_J, control)
    assert edits.names == ("1", "2", "3")
    qtbot.keyClick(dock.legend, Qt.Key.Key_Z, control)
    assert edits.names == ("1", "2", "3", "4")
    # Delete on the canvas hides, and Ctrl+V pastes nothing
    viewer.layers.selection.active = points
    points.selected_data = {0, 5}
    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_C, control)
    qtbot.keyClick(canvas, Qt.Key.Key_V, control)
    qtbot.keyClick(canvas, Qt.Key.Key_Delete)
    assert len(points.data) == 60
    assert np.flatnonzero(~points.shown).tolist() == [0, 5]
    dock.edit_bar.show_all.click()
    assert points.shown.all()


def menu(dock):
    dock.edit_bar._menu.aboutToShow.emit()
    return {action.text(): action for action in dock.edit_bar._menu.actions()}


def test_spots_inside_what_is_drawn_are_selected_and_assigned_with_undo(dock, viewer, points):
    assert not menu(dock)["New domain"].isEnabled()
    low, high = points.data.min(axis=0) - 1, points.data.max(axis=0) + 1
    middle = float(np.median(points.data[:, 1])) + 1
    left = [[low[0], low[1]], [low[0], middle], [high[0], middle], [high[0], low[1]]]
    viewer.add_shapes([left], shape_type="polygon", name="left half")
    painted = np.zeros((200, 200), dtype=int)
    painted[: int(low[0]) + 15] = 1
    viewer.add_labels(painted, name="top")
    inside = set(np.flatnonzero(points.data[:, 1] < middle))

    menu(dock)["Select the spots inside left half"].trigger()
    assert set(points.selected_data) == inside
    assert "inside left half are selected" in dock.message.text()
    edits = domain_layer(points).edits
    before = edits.result().domains.copy()
    menu(dock)["Assign to 4"].trigger()
    assert set(edits.members(["4"])) >= inside
    dock.edit_bar.undo.click()
    assert list(edits.result().domains) == list(before)

    menu(dock)["Select the spots inside top"].trigger()
    assert set(points.selected_data) == set(np.flatnonzero(points.data[:, 0] < int(low[0]) + 14.5))


def test_drawing_around_no_spot_says_so(dock, viewer, points):
    viewer.add_shapes([[[-9, -9], [-9, -8], [-8, -8]]], shape_type="polygon", name="away")
    menu(dock)["Select the spots inside away"].trigger()
    assert "No spot of 'run' lies in what 'away' has drawn" in dock.message.text()
