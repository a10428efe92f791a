"""The scale slider in the Domains dock: keys move it, the canvas and the dock follow."""

from __future__ import annotations

import time

import pytest
from qtpy.QtCore import Qt

from napari_trsmi.viewer.attached import result_of
from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock


@pytest.fixture
def open_dock(real_window, make_napari_viewer, qtbot):
    def make(result):
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(1280, 800)
        points = add_domains(viewer, result)
        dock, _ = open_room(viewer, DomainsDock)
        qtbot.waitUntil(dock.isVisible)
        return viewer, points, dock

    return make


def test_keys_move_between_regions_and_states(open_dock, make_scaled_result, qtbot):
    _, points, dock = open_dock(make_scaled_result(n_domains=4))
    panel = dock.scale
    assert (panel.slider.maximum(), panel.slider.value()) == (2, 2)
    assert "Scale 1." in panel.toolTip()
    dock.domains.edits.rename("2", "Stroma")
    panel.slider.setFocus()
    qtbot.keyClick(panel.slider, Qt.Key.Key_Left)
    assert dock.legend.legend.names == ("1", "Stroma", "3")
    assert result_of(points).scale == 0.5
    qtbot.keyClick(panel.slider, Qt.Key.Key_Home)
    assert dock.legend.legend.names == ("1", "Stroma", "3", "4", "new")
    assert list(points.features["domain"]) == list(result_of(points).domains)
    assert points.features["confidence"].iloc[0] == pytest.approx(0.2)
    qtbot.mouseClick(dock.edit_bar.undo, Qt.MouseButton.LeftButton)
    assert panel.slider.value() == 1
    qtbot.mouseClick(dock.edit_bar.undo, Qt.MouseButton.LeftButton)
    assert panel.slider.value() == 2
    assert dock.legend.legend.names == ("1", "Stroma", "3", "4")


def test_outlines_and_confidence_follow(open_dock, make_scaled_result, qtbot):
    viewer, _, dock = open_dock(make_scaled_result(n_domains=4))
    qtbot.mouseClick(dock.boundaries.box, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3)
    before = len(viewer.layers[-1].data)
    dock.color_by.what.setCurrentIndex(1)
    dock.color_by.what.activated.emit(1)
    seen = dock.domains.colors.copy()
    dock.scale.slider.setValue(0)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3 and len(viewer.layers[-1].data) > before)
    assert dock.domains.coloring.values[0] == pytest.approx(0.2)
    assert (dock.domains.colors != seen).any()


def test_a_run_of_one_scale_says_why(open_dock, make_result):
    _, _, dock = open_dock(make_result())
    assert not dock.scale.isEnabled()
    assert "one scale alone" in dock.scale.toolTip()


def test_it_answers_within_a_second_at_ten_thousand_spots(open_dock, make_scaled_result, qtbot):
    _, points, dock = open_dock(make_scaled_result(n_spots=10_000, n_domains=9))
    for step in (0, 2, 1):
        started = time.perf_counter()
        dock.scale.slider.setValue(step)
        dock.repaint()
        assert time.perf_counter() - started < 1
        assert result_of(points).scale == (0, 0.5, 1)[step]
