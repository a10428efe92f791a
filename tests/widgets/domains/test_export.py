from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anndata import read_h5ad
from mudata import read_h5mu
from napari.components import ViewerModel
from PIL import Image
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog

from napari_trsmi import add_domains, read_result, simulate
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.export import FORMATS, ExportPanel


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def points(viewer, make_result):
    points = add_domains(viewer, make_result())
    edits = domain_layer(points).edits
    edits.rename("1", "white matter")
    edits.recolor("2", "#123456")
    return points


@pytest.fixture
def panel(qtbot, viewer, points):
    panel = ExportPanel(viewer)
    qtbot.addWidget(panel)
    panel.follow(domain_layer(points))
    panel.show()
    yield panel
    qtbot.waitUntil(lambda: not panel.background.busy, timeout=60_000)


def save(panel, qtbot, suffix, path, label=""):
    """Save as a user does: choose the format, press the button, accept a name in the dialog."""
    place = next(
        row
        for row, choice in enumerate(FORMATS)
        if choice.suffix == suffix and choice.label.startswith(label)
    )
    panel.format.setCurrentIndex(place)
    panel.save.click()
    dialog = panel.findChild(QFileDialog)
    assert dialog.isVisible()  # and the test goes on: it does not block
    dialog.fileSelected.emit(str(path))
    dialog.close()


def test_everything_is_saved_with_its_edits(panel, points, qtbot, tmp_path):
    said = []
    panel.said.connect(said.append)
    with qtbot.waitSignal(panel.background.finished):
        save(panel, qtbot, ".h5ad", tmp_path / "domains")
        assert not panel.save.isEnabled()
    result = read_result(tmp_path / "domains.h5ad")
    assert result.colors == domain_layer(points).edits.colors
    assert "white matter" in result.domains.cat.categories
    assert said == [f"Saved {tmp_path / 'domains.h5ad'}."]
    assert panel.save.isEnabled()


@pytest.mark.parametrize("suffix", [".csv", ".geojson", ".png", ".zarr"])
def test_other_formats_replace_what_is_there(panel, qtbot, tmp_path, suffix):
    path = tmp_path / f"domains{suffix}"
    for _ in range(2):
        with qtbot.waitSignal(panel.background.finished, timeout=60_000):
            save(panel, qtbot, suffix, path)
    if suffix == ".csv":
        assert "white matter" in path.read_text()
    elif suffix == ".geojson":
        assert "white matter" in json.dumps(json.loads(path.read_text()))
    elif suffix == ".png":
        assert (0x12, 0x34, 0x56) in {
            color for _, color in Image.open(path).convert("RGB").getcolors(2**24)
        }
    else:
        assert (path / "zarr.json").exists()


def test_a_file_that_cannot_be_written_is_told_in_the_dock(panel, qtbot, tmp_path):
    told = []
    panel.failed.connect(told.append)
    with qtbot.waitSignal(panel.background.failed):
        save(panel, qtbot, ".csv", tmp_path / "nowhere" / "domains.csv")
    assert "there is no folder" in told[-1]
    assert panel.save.isEnabled()


def test_the_script_repeats_run_and_edits(panel):
    said = []
    panel.said.connect(said.append)
    panel.copy.click()
    script = QGuiApplication.clipboard().text()
    compile(script, "script", "exec")
    assert "trsmi.integrate(" in script
    assert 'edits.rename("1", "white matter")' in script
    assert "clipboard" in said[-1]


def test_each_format_says_what_it_is_for(panel):
    for row in range(panel.format.count()):
        panel.format.setCurrentIndex(row)
        assert FORMATS[row].about in panel.about.text()
    for control in (panel.format, panel.save, panel.copy):
        assert control.toolTip()


def test_nothing_happens_without_a_run(panel):
    panel.follow(None)
    panel.write(FORMATS[0], "/nowhere/x.h5ad")
    panel._on_copy_clicked()
    assert not panel.background.busy


@pytest.fixture
def measured():
    """A section with the counts that it was run on."""
    return simulate(n_spots=60, modalities=("rna", "protein"), n_features={"rna": 60, "protein": 9})


@pytest.fixture
def measured_panel(qtbot, panel, measured, make_result):
    result = replace(
        make_result(image_scale=None),
        domains=pd.Series(make_result().domains.array, index=measured.spots),
        confidence=make_result().confidence.set_axis(measured.spots),
        modality_weights=make_result().modality_weights.set_axis(measured.spots),
        annotations=measured.annotations,
        coordinates=measured.coordinates,
    )
    points = add_domains(ViewerModel(), result, dataset=measured)
    panel.follow(domain_layer(points))
    yield panel, points
    panel.follow(None)


@pytest.mark.parametrize(
    ("label", "suffix", "counts"),
    [("Everything", ".h5ad", True), ("Domains alone", ".h5ad", False), ("All", ".h5mu", True)],
)
def test_counts_go_along_unless_the_domains_are_wanted_alone(
    measured_panel, measured, qtbot, tmp_path, label, suffix, counts
):
    panel, _ = measured_panel
    path = tmp_path / f"domains{suffix}"
    with qtbot.waitSignal(panel.background.finished, timeout=60_000):
        save(panel, qtbot, suffix, path, label)
    found = dict(read_h5mu(path).mod) if suffix == ".h5mu" else {"rna": read_h5ad(path)}
    assert found["rna"].n_vars == (measured.modalities[0].table.n_vars if counts else 0)
    assert ("protein" in found) == (suffix == ".h5mu")


def test_the_domains_go_into_a_store_that_is_there(measured_panel, measured, qtbot, tmp_path):
    spatialdata = pytest.importorskip("spatialdata")
    panel, points = measured_panel
    store = tmp_path / "section.zarr"
    tables = {modality.name: modality.table.copy() for modality in measured.modalities}
    spatialdata.SpatialData(tables=tables).write(store)
    with qtbot.waitSignal(panel.background.finished, timeout=60_000):
        save(panel, qtbot, ".zarr", store, "Into")
    table = spatialdata.read_zarr(store).tables["protein"]
    assert list(table.obs["trsmi_domain"]) == list(points.features["domain"])
    told = []
    panel.failed.connect(told.append)
    with qtbot.waitSignal(panel.background.failed, timeout=60_000):
        save(panel, qtbot, ".zarr", tmp_path / "nothing.zarr", "Into")
    assert "no SpatialData store" in told[-1]


def test_all_tables_need_tables(panel, qtbot, tmp_path):
    told = []
    panel.failed.connect(told.append)
    with qtbot.waitSignal(panel.background.failed):
        save(panel, qtbot, ".h5mu", tmp_path / "domains.h5mu")
    assert "carries no tables" in told[-1]


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_what_is_on_screen_is_saved(panel, viewer, qtbot, tmp_path, suffix):
    viewer.add_labels(np.zeros((9, 9), int), name="cells")
    path = tmp_path / f"screen{suffix}"
    with qtbot.waitSignal(panel.said, timeout=60_000) as said:
        save(panel, qtbot, suffix, path, "What is on screen")
        qtbot.waitUntil(lambda: not panel.background.busy, timeout=60_000)
    assert path.stat().st_size > 1000
    assert "Not drawn: cells" in said.args[0]
