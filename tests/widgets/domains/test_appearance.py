"""Dots, rings and areas; opacity and size; the tissue alone while a key is held."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_trsmi import add_domains
from napari_trsmi.viewer.domains.areas import shows_areas
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.dock import DomainsDock

pytestmark = pytest.mark.usefixtures("real_window")


def test_the_look_of_spots(make_napari_viewer, make_result, qtbot):
    viewer = make_napari_viewer(show=True)
    points = add_domains(viewer, make_result(n_domains=4))
    tissue = viewer.layers["Tissue"]
    dock = DomainsDock(viewer)
    viewer.window.add_dock_widget(dock, name="Domains")
    panel, edits = dock.appearance, domain_layer(points).edits
    assert panel.opacity.value() == 60
    panel.opacity.setValue(30)
    assert points.opacity == pytest.approx(0.3)
    sizes = np.array(points.size)
    panel.enlarge.setValue(50)
    np.testing.assert_allclose(points.size, sizes / 2)

    panel.style_box.setCurrentIndex(2)
    panel.style_box.activated.emit(2)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=20_000)
    areas = viewer.layers[1]
    assert shows_areas(areas)
    assert viewer.layers[0] is tissue
    assert viewer.layers.selection.active is points
    assert areas.opacity == pytest.approx(0.3)

    def color_at(spot):
        place = areas.world_to_data(points.data_to_world(points.data[spot]))
        return areas.data[tuple(np.rint(place).astype(int))]

    for spot in (0, 13, 59):
        expected = 255 * domain_layer(points).colors[spot]
        np.testing.assert_allclose(color_at(spot), expected, atol=1)
    edits.recolor("1", "#ff0000")
    assert color_at(0).tolist() == [255, 0, 0, 255]
    edits.set_visible(["1"], False)
    assert color_at(0)[3] == 0
    edits.show_all()

    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    qtbot.keyPress(canvas, Qt.Key.Key_H)
    assert [layer.visible for layer in viewer.layers] == [True, False, False]
    qtbot.keyRelease(canvas, Qt.Key.Key_H)
    assert all(layer.visible for layer in viewer.layers)
    qtbot.mousePress(panel.tissue, Qt.MouseButton.LeftButton)
    assert not points.visible
    qtbot.mouseRelease(panel.tissue, Qt.MouseButton.LeftButton)
    assert points.visible

    viewer.layers.remove(areas)
    assert domain_layer(points).style == "dots"
    assert points.face_color[:, 3].all()
