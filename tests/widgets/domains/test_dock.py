"""The Domains dock: each control, layers that come and go, and what a real window draws."""

from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.colormaps.standardize_color import transform_color
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QColorDialog,
    QComboBox,
    QLineEdit,
)

from napari_trsmi import add_domains, simulate
from napari_trsmi.viewer.domains.coloring import by_confidence
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
    dock.resize(350, 700)
    dock.show()
    yield dock
    panels = (dock.embedding, dock.comparison, dock.markers, dock.export)
    qtbot.waitUntil(lambda: not any(panel.background.busy for panel in panels), timeout=60_000)


def choose(dock, *names):
    """Select rows of the legend as a user does."""
    dock.legend.select_quietly(names)
    dock.legend.chosen.emit(list(names))


# -- controls ------------------------------------------------------------------


def test_a_click_on_a_domain_selects_its_spots(dock, points, qtbot):
    row = dock.legend.visualRect(dock.legend.legend.index(1, 2)).center()
    qtbot.mouseClick(dock.legend.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert points.selected_data == set(np.flatnonzero(points.features["domain"] == "2"))
    qtbot.waitUntil(lambda: dock.selection.text() == "15 spots selected, all in 2.")
    assert dock.markers.domain.currentText() == "2"


def test_selected_spots_show_their_domains(dock, points, qtbot):
    points.selected_data = {0, 1, 2, 3, 9, 10}
    qtbot.waitUntil(lambda: "6 spots selected" in dock.selection.text())
    assert dock.selection.text() == "6 spots selected: 3 in 1, 2 in 4 and 1 in 2."
    assert dock.legend.selected_names() == ["1", "2", "4"]
    points.selected_data = set(range(12))
    qtbot.waitUntil(lambda: "1 more domain" in dock.selection.text())
    points.selected_data = set()
    qtbot.waitUntil(lambda: dock.legend.selected_names() == [])
    assert "Click a domain" in dock.selection.text()


def test_a_hidden_domain_can_stay_chosen(dock, points, qtbot):
    domain_layer(points).edits.set_visible(["2"], False)
    choose(dock, "2")
    qtbot.wait(150)
    assert dock.legend.selected_names() == ["2"]
    assert not points.selected_data


def test_solo_and_show_all(dock, points):
    assert not dock.edit_bar.solo.isEnabled()
    choose(dock, "2", "3")
    dock.edit_bar.solo.click()
    assert set(points.features["domain"][points.shown]) == {"2", "3"}
    assert dock.edit_bar.show_all.isEnabled()
    dock.edit_bar.show_all.click()
    assert points.shown.all()
    assert not dock.edit_bar.show_all.isEnabled()


def test_merge_undo_and_redo_by_buttons_and_keys(dock, points, qtbot):
    edits = domain_layer(points).edits
    choose(dock, "2")
    assert not dock.edit_bar.merge.isEnabled()
    choose(dock, "2", "3")
    dock.edit_bar.merge.click()
    assert edits.names == ("1", "2", "4")
    qtbot.waitUntil(lambda: dock.legend.selected_names() == ["2"])
    dock.edit_bar.undo.click()
    assert edits.names == ("1", "2", "3", "4")
    assert not dock.edit_bar.undo.isEnabled()
    dock.edit_bar.redo.click()
    assert edits.names == ("1", "2", "4")
    dock.activateWindow()
    dock.legend.setFocus()
    qtbot.waitUntil(dock.legend.hasFocus)
    qtbot.keyClick(dock.legend, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert edits.names == ("1", "2", "3", "4")
    qtbot.keyClick(
        dock.legend,
        Qt.Key.Key_Z,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    assert edits.names == ("1", "2", "4")
    choose(dock, "1", "4")
    qtbot.keyClick(dock.legend, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert edits.names == ("1", "2")


def test_rename_opens_the_name_for_typing(dock, points, qtbot):
    choose(dock, "3")
    dock.edit_bar.rename.click()
    editor = dock.legend.findChild(QLineEdit)
    editor.setText("2")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "'2' already" in dock.message.text())
    domain_layer(points).edits.rename("3", "cortex")
    assert points.features["domain"].cat.categories.tolist() == ["1", "2", "cortex", "4"]


def test_recolour_with_a_dialog_that_does_not_block(dock, points):
    choose(dock, "2")
    dock.edit_bar.recolor.click()
    dialog = dock.findChild(QColorDialog)
    assert dialog.isVisible()
    dialog.setCurrentColor(QColor("#ff0000"))
    dialog.accept()
    expected = transform_color("#ff0000")[0]
    np.testing.assert_allclose(points.face_color[points.features["domain"] == "2"][0], expected)


def test_a_colour_for_a_domain_that_is_gone_is_refused(dock, points):
    dock.legend.recolor_asked.emit("2")
    dialog = dock.findChild(QColorDialog)
    domain_layer(points).edits.rename("2", "white matter")
    dialog.accept()
    assert "no domain '2'" in dock.message.text()


def test_boundaries_follow_merges_and_go(dock, viewer, points, qtbot):
    n_layers = len(viewer.layers)
    dock.boundaries.box.click()
    assert dock.boundaries.box.isChecked()
    qtbot.waitUntil(lambda: len(viewer.layers) == n_layers + 1)
    lines = viewer.layers[-1]
    assert viewer.layers.selection.active is points
    assert dock.domains.layer is points
    n_lines = len(lines.data)
    domain_layer(points).edits.rename("1", "x")
    assert viewer.layers[-1] is lines  # a name moves no line
    domain_layer(points).edits.merge(["x", "2"])
    assert not len(lines.data)  # those of before are nowhere any more
    qtbot.waitUntil(lambda: 0 < len(lines.data) < n_lines)
    assert viewer.layers[-1] is lines
    assert set(lines.features["domains"]) == {"x | 3", "3 | 4"}
    qtbot.waitUntil(lambda: lines.visible)
    dock.boundaries.box.click()
    assert len(viewer.layers) == n_layers
    dock.boundaries.box.click()
    qtbot.waitUntil(lambda: len(viewer.layers) == n_layers + 1)
    viewer.layers.remove(viewer.layers[-1])
    assert not dock.boundaries.box.isChecked()


def test_boundaries_that_are_no_longer_waited_for_leave_no_empty_layer(
    dock, viewer, points, qtbot, make_result
):
    dock.boundaries.box.click()
    qtbot.waitUntil(lambda: not dock.boundaries.background.busy)
    lines = viewer.layers[-1]
    domain_layer(points).edits.merge(["1", "2"])
    domain_layer(points).edits.undo()
    assert lines in viewer.layers  # filled by the last that was asked for
    other = add_domains(viewer, make_result())
    assert dock.domains.layer is other
    assert lines not in viewer.layers
    viewer.layers.selection.active = points
    assert not dock.boundaries.box.isChecked()


def test_boundaries_that_come_too_late_or_fail(dock, viewer, points, qtbot, monkeypatch):
    dock.boundaries.box.click()
    n_layers = len(viewer.layers)
    viewer.layers.remove(points)
    qtbot.waitUntil(lambda: not dock.boundaries.background.busy)
    assert len(viewer.layers) == n_layers - 1
    assert not dock.boundaries.box.isChecked()
    viewer.layers.append(points)

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr("napari_trsmi.widgets.domains.boundaries.domain_boundaries", fail)
    dock.boundaries.box.click()
    qtbot.waitUntil(lambda: "too little memory" in dock.message.text())
    assert not dock.boundaries.box.isChecked()


def test_a_marker_is_shown_on_the_tissue(dock, points, viewer, make_result):
    data = simulate(n_spots=64, n_features={"rna": 20, "protein": 5}, modalities=("rna", "protein"))
    measured = add_domains(viewer, make_result(n_spots=data.n_spots), dataset=data)
    assert dock.domains.layer is measured
    name = data.modalities[1].table.var_names[1]
    dock.markers.feature_chosen.emit("protein", name)
    assert domain_layer(measured).coloring.label == f"log(1 + {name})"
    assert dock.color_by.isVisible()


def test_every_control_has_a_tooltip_and_takes_the_keyboard(dock, qtbot):
    controls = [
        control
        for kind in (QAbstractButton, QComboBox, QAbstractItemView)
        for control in dock.findChildren(kind)
        if control.window() is dock.window() and not _is_part_of_another(control)
    ]
    assert len(controls) > 25
    for control in controls:
        assert control.toolTip(), control
        assert control.focusPolicy() != Qt.FocusPolicy.NoFocus, control
    assert all(dock.tabs.tabToolTip(tab) for tab in range(dock.tabs.count()))


def _is_part_of_another(control):
    parent = control.parentWidget()
    return isinstance(parent, QAbstractItemView | QComboBox) or (
        type(parent).__name__ in {"QComboBoxPrivateContainer", "QTabBar"}
    )


# -- layers --------------------------------------------------------------------


def test_without_domains_the_dock_says_what_to_do(qtbot, make_result):
    viewer = ViewerModel()
    viewer.add_points([[0, 0]])
    dock = DomainsDock(viewer)
    qtbot.addWidget(dock)
    assert dock.domains is None
    assert "No layer shows domains" in dock.message.text()
    bar = dock.edit_bar
    controls = (bar.solo, bar.rename, bar.recolor, bar.merge, bar.assign, bar.undo, bar.redo)
    assert not any(control.isEnabled() for control in (*controls, dock.boundaries.box, dock.legend))
    for slot in (
        *(dock.edit_bar._on_solo_clicked, dock.edit_bar._on_show_all_clicked),
        *(dock.edit_bar._on_recolor_clicked, dock.edit_bar._on_menu_about_to_show),
        *(dock.edit_bar.merge_selected, dock.edit_bar.undo_last, dock.edit_bar.redo_last),
        *(dock.boundaries.draw, dock.boundaries._remove, dock._on_points_changed),
        lambda: dock.edit_bar.ask_color("1"),
        lambda: dock._on_legend_chosen([]),
    ):
        slot()
    points = add_domains(viewer, make_result())
    assert dock.domains.layer is points
    assert dock.message.text() == ""
    viewer.layers.clear()
    assert dock.domains is None
    assert "No layer shows domains" in dock.message.text()


def test_it_follows_the_active_layer_and_can_be_told(dock, viewer, points, make_result):
    other = add_domains(viewer, make_result(n_domains=2, image_scale=None), name="other")
    assert dock.domains.layer is other
    assert dock.legend.legend.rowCount() == 2
    viewer.layers.selection.active = points
    assert dock.domains.layer is points
    viewer.layers.selection.active = viewer.layers["Tissue"]
    assert dock.domains.layer is points
    assert [dock.layer.itemText(row) for row in range(2)] == ["run", "other"]
    dock.layer.setCurrentIndex(1)
    dock.layer.activated.emit(1)
    assert dock.domains.layer is other
    other.name = "second"
    assert dock.layer.itemText(1) == "second"
    viewer.layers.remove(other)
    assert dock.domains.layer is points
    viewer.layers.move(0, 2)
    assert dock.domains.layer is points


def test_another_layer_shows_its_own_state(dock, viewer, points, make_result):
    choose(dock, "1", "2")
    dock.edit_bar.merge.click()
    domain_layer(points).edits.set_visible(["3"], False)
    add_domains(viewer, make_result(n_domains=3, image_scale=None), name="other")
    assert not dock.edit_bar.undo.isEnabled()
    assert not dock.edit_bar.show_all.isEnabled()
    viewer.layers.selection.active = points
    assert dock.edit_bar.undo.isEnabled()
    assert dock.edit_bar.show_all.isEnabled()


def test_deleted_points_are_told_and_the_rest_is_off(dock, points):
    points.data = points.data[:58]
    assert "58 points, its run 60 spots" in dock.message.text()
    assert not dock.legend.isEnabled()
    assert not dock.edit_bar.undo.isEnabled()


def test_two_viewers_at_once(dock, viewer, points, qtbot, make_result):
    other = ViewerModel()
    second = add_domains(other, make_result(n_domains=2))
    beside = DomainsDock(other)
    qtbot.addWidget(beside)
    choose(dock, "1", "2")
    dock.edit_bar.merge.click()
    assert beside.domains.layer is second
    assert beside.legend.legend.rowCount() == 2
    assert not beside.edit_bar.undo.isEnabled()
    choose(beside, "1")
    assert not points.selected_data & {7}
    assert len(second.selected_data) == 30


def test_a_second_dock_on_the_same_layer_stays_in_step(dock, viewer, points, qtbot):
    second = DomainsDock(viewer)
    qtbot.addWidget(second)
    choose(dock, "1", "2")
    dock.edit_bar.merge.click()
    assert second.legend.legend.rowCount() == 3
    second.edit_bar.undo.click()
    assert dock.legend.legend.rowCount() == 4


def test_a_closed_dock_hears_nothing_more(viewer, points, qtbot, make_result):
    dock = DomainsDock(viewer)
    with qtbot.waitSignal(dock.destroyed):
        dock.deleteLater()
    edits = domain_layer(points).edits
    edits.rename("1", "x")
    edits.solo(["2"])
    points.selected_data = {1}
    points.name = "other"
    viewer.theme = "light"
    add_domains(viewer, make_result(image_scale=None))
    viewer.layers.clear()


def test_edits_survive_closing_the_dock(viewer, points, qtbot):
    dock = DomainsDock(viewer)
    domain_layer(points).edits.rename("1", "white matter")
    with qtbot.waitSignal(dock.destroyed):
        dock.deleteLater()
    again = DomainsDock(viewer)
    qtbot.addWidget(again)
    assert again.edit_bar.undo.isEnabled()
    assert again.legend.legend.names[0] == "white matter"


def test_the_result_that_others_see_is_the_edited_one(dock, points):
    choose(dock, "1", "2")
    dock.edit_bar.merge.click()
    assert points.metadata["trsmi_result"].n_domains == 3
    assert list(points.metadata["trsmi_domain_colors"]) == ["1", "3", "4"]


def test_the_same_run_twice_is_compared_by_layer(dock, viewer, points, make_result):
    add_domains(viewer, replace(make_result(n_domains=4, image_scale=None)), name="other")
    viewer.layers.selection.active = points
    assert dock.comparison.other.itemText(0) == "Run: other"


# -- a real window -------------------------------------------------------------


def spot_colors(viewer, points, spots):
    viewer.screenshot(flash=False)
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    camera = viewer.scene.camera
    places = [points.data_to_world(points.data[spot]) for spot in spots]
    from_centre = camera.zoom * (np.array(places) - np.array(camera.center[-2:]))
    rows, columns = np.rint(np.array(shot.shape[:2]) / 2 + from_centre).astype(int).T
    return shot[rows, columns]


@pytest.mark.usefixtures("real_window")
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_dock_in_a_window_changes_what_is_drawn(make_napari_viewer, make_result, qtbot, theme):
    viewer = make_napari_viewer(show=True)
    viewer.theme = theme
    viewer.window._qt_window.resize(1280, 800)
    points = add_domains(viewer, make_result(n_domains=4, image_scale=None))
    dock = DomainsDock(viewer)
    viewer.window.add_dock_widget(dock, name="Domains", area="right")
    qtbot.waitUntil(lambda: dock.width() > 300)
    for tab in range(dock.tabs.count()):
        dock.tabs.setCurrentIndex(tab)
        assert dock.minimumSizeHint().width() <= 360
    dock.tabs.setCurrentIndex(0)
    assert viewer.window._qt_window.height() <= 800
    viewer.reset_view()
    edits = domain_layer(points).edits
    spots = np.arange(0, 60, 11)

    def expected():
        return 255 * transform_color([edits.colors[edits.domains[spot]] for spot in spots])[:, :3]

    np.testing.assert_allclose(spot_colors(viewer, points, spots), expected(), atol=3)
    edits.recolor("1", "#ff00ff")
    np.testing.assert_allclose(spot_colors(viewer, points, spots), expected(), atol=3)
    dock._domains.color_by(by_confidence(edits.result()))
    numbers = 255 * dock._domains.coloring.colors()[spots, :3]
    np.testing.assert_allclose(spot_colors(viewer, points, spots), numbers, atol=3)
    dock._domains.color_by(None)
    dock.legend.legend.turn(["1"])
    of_first = np.array([edits.domains[spot] == "1" for spot in spots])
    drawn = spot_colors(viewer, points, spots)
    assert of_first.any()
    assert (drawn[of_first] == (255 if theme == "light" else 0)).all()
    np.testing.assert_allclose(drawn[~of_first], expected()[~of_first], atol=3)


def test_no_widgets_are_left_behind(viewer, points, qtbot):
    QApplication.processEvents()
    gc.collect()
    before = len(QApplication.allWidgets())
    for _ in range(5):
        dock = DomainsDock(viewer)
        dock.show()
        with qtbot.waitSignal(dock.destroyed):
            dock.deleteLater()
        del dock
    gc.collect()
    QApplication.processEvents()
    assert len(QApplication.allWidgets()) <= before
    assert not [w for w in QApplication.topLevelWidgets() if isinstance(w, DomainsDock)]
