"""Several sections in a window, with the clicks of a user: from the files to linked domains."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QLineEdit

from napari_trsmi.config import Config
from napari_trsmi.viewer.attached import result_of
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock

PATIENCE = 60_000  # ms
FEW = Config(n_domains=3, all_scales=False, n_components=10, spatial_neighbors=4)


@pytest.fixture(scope="module")
def files(make_sections, tmp_path_factory):
    """Tables of three sections, of which two lack one."""
    folder = tmp_path_factory.mktemp("sections")
    made, paths = make_sections(), []
    for section, table in (("a", "rna"), ("a", "adt"), ("b", "rna"), ("c", "adt")):
        paths.append(str(folder / f"{section}_{table}.h5ad"))
        made[section][table].write_h5ad(paths[-1])
    return paths


@pytest.fixture
def dock(real_window, installed_plugins, make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    dock, _ = open_room(viewer, IntegrateDock)
    dock.form.set_config(FEW)
    yield dock
    if dock.controller.running:
        dock.controller.stop()
        qtbot.waitUntil(lambda: not dock.controller.running, timeout=PATIENCE)


def row(dock, name):
    table = dock.section_list.table
    rows = [table.topLevelItem(at) for at in range(table.topLevelItemCount())]
    return next(item for item in rows if item.text(0) == name)


def click(qtbot, dock, name, *, on_name=False, double=False):
    """Click a section's check mark, or its name."""
    table = dock.section_list.table
    place = table.visualItemRect(row(dock, name))
    at = QPoint(place.left() + (50 if on_name else 8), place.center().y())
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    if double:
        qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.wait(50)


def listed(dock):
    table = dock.section_list.table
    return [table.topLevelItem(at).text(0) for at in range(table.topLevelItemCount())]


def test_from_files_to_domains_that_are_linked(dock, files, qtbot):
    viewer = dock._viewer
    assert not dock.section_list.table.isVisible()
    for path in files:
        viewer.open(path, plugin="napari-trsmi")
    qtbot.waitUntil(dock.section_list.table.isVisible)
    assert listed(dock) == ["a_rna", "b_rna", "c_adt"]
    qtbot.waitUntil(dock.panel.run.isEnabled, timeout=PATIENCE)
    assert dock.panel.ready.text() == "196 spots in protein."  # one alone, as before

    click(qtbot, dock, "b_rna", on_name=True)
    assert dock.points.layer.name == "b_rna"
    click(qtbot, dock, "a_rna", on_name=True, double=True)
    editor = dock.section_list.table.findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "left")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: listed(dock) == ["left", "b_rna", "c_adt"])
    for name in listed(dock):
        click(qtbot, dock, name)
    qtbot.waitUntil(lambda: "3 sections" in dock.panel.ready.text(), timeout=PATIENCE)
    assert "left (rna, protein), b_rna (rna) and c_adt (protein)" in dock.panel.ready.text()
    spots = list(viewer.layers)
    assert all(layer.visible for layer in spots)
    corners = {tuple(np.round(layer.extent.world[0])) for layer in spots}
    assert len(corners) == 3  # in a grid; two tables lie on the same spots

    qtbot.waitUntil(dock.panel.run.isEnabled, timeout=PATIENCE)
    qtbot.mouseClick(dock.panel.run, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 6, timeout=PATIENCE)  # domains and outlines
    points = viewer.layers[4]
    assert points.name == "left, b_rna, c_adt: domains"
    assert result_of(points).section_names == ("left", "b_rna", "c_adt")
    assert not any(layer.visible for layer in spots)
    world = np.concatenate([spots[at].extent.world for at in (0, 2, 3)])
    np.testing.assert_allclose(points.extent.world, [world.min(axis=0), world.max(axis=0)], atol=1)

    domains, _ = open_room(viewer, DomainsDock)
    assert domains.tabs.isTabVisible(domains.tabs.indexOf(domains.shares))
    of_spots = result_of(points).sections.of_spots.to_numpy()
    domains.legend.selectRow(0)
    qtbot.waitUntil(lambda: len(points.selected_data) > 0)
    assert set(of_spots[list(points.selected_data)]) == {"left", "b_rna", "c_adt"}
    domains.domains.edits.set_visible(["1"], False)
    hidden = ~points.shown
    assert set(of_spots[hidden]) == {"left", "b_rna", "c_adt"}
    assert set(result_of(points).domains[hidden]) == {"1"}

    # coloured by a gene: what was not measured is grey
    color_by = domains.color_by
    color_by.show_feature("protein", color_by._dataset().modalities[1].table.var_names[0])
    coloring = domains.domains.coloring
    assert np.isnan(coloring.values[of_spots == "b_rna"]).all()
    assert np.isfinite(coloring.values[of_spots != "b_rna"]).all()


def test_bad_input_is_said_above_run(dock, files, qtbot):
    viewer = dock._viewer
    for path in files[2:]:  # RNA alone and protein alone
        viewer.open(path, plugin="napari-trsmi")
    qtbot.waitUntil(dock.panel.run.isEnabled, timeout=PATIENCE)
    for name in listed(dock):
        click(qtbot, dock, name)
    qtbot.waitUntil(lambda: "no section has both" in dock.panel.ready.text())
    assert not dock.panel.run.isEnabled()
    click(qtbot, dock, "c_adt")
    qtbot.waitUntil(lambda: "Tick a second section" in dock.panel.ready.text())
    qtbot.waitUntil(dock.panel.run.isEnabled)


def test_sections_are_added_from_files(dock, files, qtbot):
    viewer = dock._viewer
    viewer.open(files[0], plugin="napari-trsmi")
    dock.section_list.open_files(files[1:3])
    qtbot.waitUntil(lambda: "2 sections" in dock.panel.ready.text(), timeout=PATIENCE)
    assert "a_rna (rna, protein) and b_rna (rna)" in dock.panel.ready.text()
