"""The docks in a laptop's window: tabs, nothing cut off, and from a run to what it found."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QLabel, QPushButton

from napari_trsmi.viewer.attached import result_of
from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.widgets.common.room import Room, open_room
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock
from napari_trsmi.widgets.public_data.dock import PublicDataDock

LAPTOP = (1280, 800)
PATIENCE = 300_000  # ms


@pytest.fixture
def viewer(real_window, make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(*LAPTOP)
    return viewer


def main_window(viewer):
    return viewer.window._qt_window


def in_front(room):
    return not room.visibleRegion().isEmpty()


def test_docks_open_as_tabs_and_force_no_height(viewer, qtbot):
    integrate, _ = open_room(viewer, IntegrateDock)
    domains, is_new = open_room(viewer, DomainsDock)
    public, _ = open_room(viewer, PublicDataDock)
    assert is_new
    qtbot.waitUntil(lambda: in_front(public))
    window = main_window(viewer)
    beside = window.tabifiedDockWidgets(integrate.parentWidget())
    assert {dock.widget() for dock in beside} == {domains, public}
    for room in (domains, integrate):
        assert open_room(viewer, type(room)) == (room, False)
        qtbot.waitUntil(lambda room=room: in_front(room))
        assert window.minimumSizeHint().height() <= 700
        assert (window.width(), window.height()) == LAPTOP


def test_a_dock_that_was_moved_away_stays_there(viewer, qtbot):
    open_room(viewer, IntegrateDock)
    domains, _ = open_room(viewer, DomainsDock)
    window, dock = main_window(viewer), domains.parentWidget()
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    qtbot.wait(50)
    assert window.dockWidgetArea(dock) == Qt.DockWidgetArea.LeftDockWidgetArea
    assert not window.tabifiedDockWidgets(dock)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_six_domains_and_every_word_are_in_sight(viewer, make_result, qtbot, theme):
    viewer.theme = theme
    add_domains(viewer, make_result(n_spots=240, n_domains=9))
    open_room(viewer, IntegrateDock)
    domains, _ = open_room(viewer, DomainsDock)
    qtbot.waitUntil(lambda: in_front(domains))
    for tab in range(domains.tabs.count()):
        domains.tabs.setCurrentIndex(tab)
        qtbot.wait(30)
        view = domains.legend.viewport()
        sixth = domains.legend.visualRect(domains.legend.legend.index(5, 2))
        assert view.rect().contains(sixth)
        assert cut_off(domains) == []


def cut_off(room: Room) -> list[str]:
    """List texts of what is in sight that are wider than the place that they have."""
    found = []
    for widget in room.findChildren(QLabel) + room.findChildren(QPushButton):
        text = widget.text().replace("&", "")
        wraps = isinstance(widget, QLabel) and widget.wordWrap()
        width = widget.fontMetrics().horizontalAdvance(text.split("\n")[0])
        if widget.isVisible() and not wraps and width > widget.width():
            found.append(text)
    bar = room.tabs.tabBar()
    for tab in filter(bar.isTabVisible, range(bar.count())):
        width = bar.fontMetrics().horizontalAdvance(bar.tabText(tab))
        if width > bar.tabRect(tab).width() or not bar.rect().contains(bar.tabRect(tab)):
            found.append(bar.tabText(tab))
    return found


def test_a_run_ends_in_the_domains_dock_with_the_tissue_in_view(make_dock, qtbot, real_window):
    integrate = make_dock(show=True)
    viewer = integrate._viewer
    viewer.window.resize(*LAPTOP)
    (spots,) = viewer.layers
    viewer.camera.zoom = 0.01
    qtbot.mouseClick(integrate.panel.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not integrate.controller.running, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not integrate._adding, timeout=PATIENCE)
    (domains,) = main_window(viewer).findChildren(DomainsDock)
    qtbot.waitUntil(lambda: in_front(domains))
    dock = domains.parentWidget()
    assert isinstance(dock, QDockWidget)
    assert dock in main_window(viewer).tabifiedDockWidgets(integrate.parentWidget())
    qtbot.waitUntil(lambda: len(viewer.layers) == 3)
    points, lines = viewer.layers[1:]
    assert result_of(points).n_domains == 3
    assert domains.domains.layer is points
    assert domains.boundaries.box.isChecked()
    assert viewer.camera.zoom > 0.01
    assert [spots.visible, points.visible, lines.visible] == [False, True, True]

    # another run: what it found is shown alone
    integrate.come_forward()
    integrate.start()
    qtbot.waitUntil(lambda: not integrate.controller.running, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not integrate._adding, timeout=PATIENCE)
    qtbot.waitUntil(lambda: len(viewer.layers) == 5, timeout=PATIENCE)
    assert [layer.visible for layer in viewer.layers] == [False, False, False, True, True]
    assert domains.domains.layer is viewer.layers[3]
