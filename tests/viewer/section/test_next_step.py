"""What was opened brings the dock of its next step along."""

from __future__ import annotations

import pytest

from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.output.results import write_result


@pytest.fixture
def viewer(real_window, installed_plugins, make_napari_viewer):
    return make_napari_viewer(show=True)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rna.h5ad"
    section = simulate(n_spots=60, modalities=("rna",), n_features={"rna": 20}, image=False)
    adata = section.modalities[0].table.copy()
    adata.obsm["spatial"] = section.coordinates
    adata.write_h5ad(path)
    return path


def docks(viewer):
    return sorted(viewer.window.dock_widgets)


def test_a_section_opens_the_integrate_dock_and_a_run_the_domains_dock(
    viewer, table, make_result, tmp_path
):
    viewer.open(table, plugin="napari-trsmi")
    assert docks(viewer) == ["Integrate (TRSMI)"]
    viewer.open(table, plugin="napari-trsmi")  # once is enough
    run = write_result(make_result(), tmp_path / "domains.h5ad")
    viewer.open(run, plugin="napari-trsmi")
    assert docks(viewer) == ["Integrate (TRSMI)"]


def test_a_run_opens_the_domains_dock(viewer, make_result, tmp_path):
    run = write_result(make_result(), tmp_path / "domains.h5ad")
    viewer.open(run, plugin="napari-trsmi")
    assert docks(viewer) == ["Domains (TRSMI)"]


def test_a_run_from_a_file_shows_its_outlines_as_one_that_ends(
    viewer, make_result, tmp_path, qtbot
):
    run = write_result(make_result(), tmp_path / "domains.h5ad")
    viewer.open(run, plugin="napari-trsmi")
    qtbot.waitUntil(lambda: "Boundaries of domains" in viewer.layers)
    lines = viewer.layers["Boundaries of domains"]
    qtbot.waitUntil(lambda: lines.visible)
    assert len(lines.data)
    viewer.layers.remove(lines)  # a person wants none
    viewer.open(run, plugin="napari-trsmi")  # into the dock that is there
    qtbot.waitUntil(lambda: "Boundaries of domains [1]" in viewer.layers)
    viewer.layers.selection.active = viewer.layers["domains"]
    qtbot.wait(300)
    assert "Boundaries of domains" not in viewer.layers


def test_a_dock_that_the_command_line_opened_is_enough(viewer, table):
    viewer.window.add_plugin_dock_widget("napari-trsmi", "Integrate")  # as `napari -w` does
    (named,) = docks(viewer)
    viewer.open(table, plugin="napari-trsmi")
    assert docks(viewer) == [named]
