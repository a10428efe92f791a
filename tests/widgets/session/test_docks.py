"""What is chosen in the docks of a real window is there again when its session is opened."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from napari._qt.dialogs import qt_reader_dialog
from napari.settings import get_settings
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_trsmi.data.dataset import Kind
from napari_trsmi.viewer.attached import result_of
from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.session.association import PATTERN
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock
from napari_trsmi.widgets.landmarks.dock import LandmarksDock
from napari_trsmi.widgets.plots.dock import PlotsDock
from napari_trsmi.widgets.session.menu import open_with_docks, save

pytestmark = pytest.mark.usefixtures("real_window", "installed_plugins")


@pytest.fixture
def viewer(make_napari_viewer, monkeypatch):
    def ask(*_, **__):
        pytest.fail("napari asked for a reader")

    monkeypatch.setattr(qt_reader_dialog.QtReaderDialog, "get_user_choices", ask)
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


def answer(monkeypatch, wanted):
    """Press a button of the question whether a session may be opened; return what was asked."""
    asked = []

    def press(box):
        asked.append((box.text(), box.informativeText()))
        next(button for button in box.buttons() if button.text() == wanted).click()

    monkeypatch.setattr(QMessageBox, "exec", press)
    return asked


def in_front(room):
    return not room.visibleRegion().isEmpty()


def drop(viewer, path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    none = Qt.KeyboardModifier.NoModifier
    how = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, none)
    canvas = viewer.window._qt_viewer
    QApplication.sendEvent(canvas, QDragEnterEvent(QPoint(200, 200), *how))
    with notification_manager:
        QApplication.sendEvent(canvas, QDropEvent(QPointF(200, 200), *how))


@pytest.fixture
def filled(viewer, spots_layer, section, make_result, tmp_path, qtbot):
    """A window in which much was chosen."""
    from napari_trsmi.output.tables import write_table

    viewer.add_layer(spots_layer.__class__.create(*spots_layer.as_layer_data_tuple()))
    result = make_result(len(section.spots))
    spots = result.domains.index
    tables = [replace(m, table=m.table.copy()) for m in section.modalities]
    for each in tables:
        each.table.obs_names = spots
    section = replace(
        section, modalities=tuple(tables), spots=spots, annotations=pd.DataFrame(index=spots)
    )
    add_domains(viewer, result, dataset=section, name="run")
    viewer.add_image(np.zeros((60, 80), np.uint8), name="dapi")
    viewer.add_shapes([[[0, 0], [0, 900], [900, 900], [900, 0]]], name="drawn")
    write_table(section.modalities[-1].table.copy(), tmp_path / "more.h5ad")
    integrate, _ = open_room(viewer, IntegrateDock)
    integrate.inputs.begin_with(viewer.layers["spots"], viewer.layers["dapi"])
    integrate.inputs.region = viewer.layers["drawn"]
    first = integrate.inputs.choices[0]
    integrate.inputs.set_used(first, used=False)
    integrate._on_files_chosen([tmp_path / "more.h5ad"])
    qtbot.waitUntil(lambda: not integrate._files.busy)
    integrate.inputs.set_kind(integrate.inputs.choices[-1], Kind.FEATURES)
    integrate.form.set_config(integrate.form.config().replace(n_domains=7, seed=5, epochs=3))
    integrate.advanced.toggleButton().click()
    domains, _ = open_room(viewer, DomainsDock)
    domains.show_run(viewer.layers["run"])
    qtbot.waitUntil(lambda: "Boundaries of run" in viewer.layers)
    gene = str(section.modalities[0].table.var_names[3])
    domains.color_by.show_feature(section.modalities[0].name, gene)
    domains.tabs.setCurrentWidget(domains.markers)
    domains.markers.domain.setCurrentText("2")
    domains.canvas_legend.box.click()
    plots, _ = open_room(viewer, PlotsDock)
    plots.choose("Markers: dot plot")
    plots.choices.features.setText(gene)
    plots.draw.click()
    qtbot.waitUntil(lambda: not plots.background.busy, timeout=60_000)
    assert plots.plot is not None, plots.status.text()
    domains.come_forward()
    qtbot.wait(200)
    return viewer, gene


def test_docks_come_back_with_what_was_chosen(filled, tmp_path, monkeypatch, qtbot):
    viewer, gene = filled
    path = tmp_path / "work.trsmi"
    save(viewer, str(path), inside=False)
    assert get_settings().plugins.extension2reader[PATTERN] == "napari-trsmi"
    camera = viewer.scene.camera
    seen = camera.center, camera.zoom
    window = viewer.window._qt_window
    for kind in (IntegrateDock, DomainsDock, PlotsDock):
        viewer.window.remove_dock_widget(window.findChild(kind).parentWidget())
    viewer.layers.clear()
    qtbot.waitUntil(lambda: not window.findChildren(IntegrateDock))
    viewer.reset_view()

    drop(viewer, path)
    (integrate,) = window.findChildren(IntegrateDock)
    (domains,) = window.findChildren(DomainsDock)
    (plots,) = window.findChildren(PlotsDock)
    assert in_front(domains)
    assert not in_front(plots)
    qtbot.waitUntil(lambda: not integrate._files.busy)
    config = integrate.form.config()
    assert (config.n_domains, config.seed, config.epochs) == (7, 5, 3)
    assert integrate.advanced.isExpanded()
    inputs = integrate.inputs
    assert [inputs.points.name, inputs.image.name, inputs.region.name] == ["spots", "dapi", "drawn"]
    assert [choice.used for choice in inputs.choices] == [False, True, True]
    assert inputs.choices[-1].kind is Kind.FEATURES
    assert inputs.choices[-1].candidate.path == tmp_path / "more.h5ad"
    panel = domains.color_by
    assert (panel.what.currentText(), panel.feature.currentText()) == ("Feature", gene)
    assert domain_layer(viewer.layers["run"]).coloring.feature.feature == gene
    assert domains.tabs.tabText(domains.tabs.currentIndex()) == "Markers"
    assert domains.markers.domain.currentText() == "2"
    assert domains.canvas_legend.box.isChecked()
    assert domains.boundaries.box.isChecked()
    assert plots.what.currentText() == "Markers: dot plot"
    qtbot.waitUntil(lambda: plots.plot is not None, timeout=60_000)
    assert plots.choices.features.text() == gene
    qtbot.waitUntil(lambda: "Boundaries of run" in viewer.layers)
    qtbot.wait(300)
    np.testing.assert_allclose(camera.center, seen[0])
    np.testing.assert_allclose(camera.zoom, seen[1], rtol=0.02)


def test_a_session_dropped_on_work_asks_first(viewer, make_result, tmp_path, monkeypatch, qtbot):
    points = add_domains(viewer, make_result(), name="run")
    open_room(viewer, DomainsDock)
    save(viewer, str(tmp_path / "work.trsmi"), inside=False)
    domain_layer(points).edits.rename("1", "Stroma")
    asked = answer(monkeypatch, "Go back")
    drop(viewer, tmp_path / "work.trsmi")
    assert "The domains of run were edited" in asked[0][0]
    assert "removes the 2 layers of this window, and that is lost" in asked[0][1]
    assert points in viewer.layers
    answer(monkeypatch, "Open")
    drop(viewer, tmp_path / "work.trsmi")
    assert points not in viewer.layers
    assert list(result_of(viewer.layers["run"]).domains.cat.categories) == ["1", "2", "3"]


def test_a_session_that_is_damaged_leaves_the_window_as_it_is(
    viewer, make_result, tmp_path, monkeypatch
):
    add_domains(viewer, make_result(), name="run")
    save(viewer, str(tmp_path / "work.trsmi"), inside=False)
    (tmp_path / "work.trsmi" / "run-1.h5ad").write_bytes(b"no table")
    before = list(viewer.layers)
    answer(monkeypatch, "Open")
    notification_manager.records.clear()
    open_with_docks(viewer, str(tmp_path / "work.trsmi"))
    assert list(viewer.layers) == before
    assert notification_manager.records
    notification_manager.records.clear()


def test_marks_of_a_registration_come_back(viewer, make_result, tmp_path, monkeypatch, qtbot):
    viewer.add_image(np.zeros((60, 80, 3), np.uint8), name="H&E")
    add_domains(viewer, make_result(image_scale=None), name="run")
    dock, _ = open_room(viewer, LandmarksDock)
    landmarks = dock.begin()
    placed = {"spots": [[1.0, 2], [3, 40], [50, 6]], "picture": [[2.0, 4], [6, 80]]}
    landmarks.set_places(**placed)
    save(viewer, str(tmp_path / "work.trsmi"), inside=False)
    answer(monkeypatch, "Open")
    open_with_docks(viewer, str(tmp_path / "work.trsmi"))
    assert dock._landmarks is not landmarks
    assert dock._landmarks.places() == placed
    assert [layer.name for layer in viewer.layers].count("Landmarks on the picture") == 1
    qtbot.waitUntil(lambda: not dock.looking.busy, timeout=30_000)
