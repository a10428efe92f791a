"""The Integrate dock offers what is drawn, and runs on the spots inside it alone."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt

from napari_trsmi.viewer.attached import result_of


def test_a_run_inside_what_is_drawn(make_dock, qtbot):
    dock = make_dock()
    viewer = dock._viewer
    (spots,) = viewer.layers
    assert not dock._inputs_form.isRowVisible(dock.region)
    shapes = viewer.add_shapes(name="by hand")
    assert dock._inputs_form.isRowVisible(dock.region)
    dock.region.setCurrentText("by hand")
    dock.region.activated.emit(dock.region.currentIndex())
    qtbot.waitUntil(lambda: "'by hand' has no polygon" in dock.panel.ready.text())
    assert not dock.panel.run.isEnabled()

    low, high = spots.data.min(axis=0) - 1, spots.data.max(axis=0) + 1
    middle = float(np.median(spots.data[:, 1])) + 1
    left = [[low[0], low[1]], [low[0], middle], [high[0], middle], [high[0], low[1]]]
    shapes.add_polygons([left])
    n_inside = int((spots.data[:, 1] < middle).sum())
    qtbot.waitUntil(lambda: f"{n_inside} of 60 spots" in dock.panel.ready.text())
    qtbot.waitUntil(dock.panel.run.isEnabled)
    qtbot.mouseClick(dock.panel.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dock.controller.running, timeout=60_000)
    qtbot.waitUntil(lambda: not dock._adding, timeout=10_000)
    results = [result_of(layer) for layer in viewer.layers if result_of(layer) is not None]
    assert 0 < len(results[0].domains) <= n_inside

    viewer.layers.remove(shapes)
    assert dock.inputs.region is None
    assert not dock._inputs_form.isRowVisible(dock.region)
