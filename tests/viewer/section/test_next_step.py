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


def test_a_dock_that_the_command_line_opened_is_enough(viewer, table):
    viewer.window.add_plugin_dock_widget("napari-trsmi", "Integrate")  # as `napari -w` does
    (named,) = docks(viewer)
    viewer.open(table, plugin="napari-trsmi")
    assert docks(viewer) == [named]
