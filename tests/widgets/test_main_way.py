"""From the menu to domains over the tissue, in a real window, as a user clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.utils.colormaps.standardize_color import transform_color
from qtpy.QtCore import Qt

from napari_trsmi.viewer.attached import result_of
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock

if TYPE_CHECKING:
    from qtpy.QtWidgets import QMenu

PATIENCE = 180_000  # ms


@pytest.fixture
def viewer(real_window, installed_plugins, make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


def entry(menu: QMenu, *titles: str):
    """Find an action by the titles on the way to it, as a user reads them."""
    for title in titles[:-1]:
        menu.aboutToShow.emit()
        menu = next(a.menu() for a in menu.actions() if a.menu() and title in a.text())
    menu.aboutToShow.emit()
    return next(action for action in menu.actions() if titles[-1] in action.text())


def dock_of(viewer, kind):
    return next(
        found
        for area in viewer.window._qt_window.findChildren(object)
        if isinstance(found := area, kind)
    )


def test_from_the_menu_to_domains_over_the_tissue(viewer, qtbot):
    entry(viewer.window.file_menu, "Open Sample", "TRSMI", "Simulated tissue with image").trigger()
    tissue, spots = viewer.layers
    integrate = dock_of(viewer, IntegrateDock)
    qtbot.waitUntil(integrate.panel.run.isEnabled, timeout=PATIENCE)
    assert "2,300 spots" in integrate.panel.ready.text()
    integrate.form.set_config(integrate.form.config().replace(n_domains=6, epochs=2))
    qtbot.waitUntil(integrate.panel.run.isEnabled, timeout=PATIENCE)
    qtbot.mouseClick(integrate.panel.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not integrate.controller.running, timeout=PATIENCE)

    points, lines = viewer.layers[2:]
    result = result_of(points)
    assert result.n_domains == 6
    np.testing.assert_allclose(points.data, spots.data)
    np.testing.assert_allclose(points.extent.world, spots.extent.world, rtol=0.01)
    assert viewer.layers[0] is tissue

    # every spot's middle has the colour of its domain
    assert not spots.visible
    lines.visible = False
    points.opacity = 1
    viewer.reset_view()
    qtbot.wait(300)
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
    canvas = np.array(shot.shape[:2])
    world = np.array([points.data_to_world(place) for place in points.data])
    pixels = (world - viewer.camera.center[-2:]) * viewer.camera.zoom * scale(viewer) + canvas / 2
    rows, columns = np.rint(pixels - 0.5).astype(int).T
    expected = transform_color([result.colors[name] for name in result.domains])[:, :3] * 255
    off = np.abs(shot[rows, columns] - expected).max(axis=1)
    assert np.mean(off < 30) > 0.95

    domains = dock_of(viewer, DomainsDock)
    qtbot.waitUntil(lambda: domains.domains is not None, timeout=PATIENCE)
    assert domains.domains.layer is points
    qtbot.waitUntil(domains.legend.isVisible)
    offered = [
        domains.comparison.other.itemText(k) for k in range(domains.comparison.other.count())
    ]
    assert not any(text.startswith("Run:") for text in offered)  # the layer is not its own rival
    assert any("domain" in text for text in offered)  # the simulation's truth


def scale(viewer) -> float:
    """Screen pixels a logical one."""
    return viewer.window._qt_viewer.canvas.native.devicePixelRatioF()
