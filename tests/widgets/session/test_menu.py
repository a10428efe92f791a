"""Sessions from the menu, in a real window: saved, and opened where they were."""

from __future__ import annotations

import json

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QLineEdit, QMessageBox

from napari_trsmi.viewer.attached import result_of
from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.session.menu import INSIDE, ask_what_to_open, ask_where_to_save

pytestmark = pytest.mark.usefixtures("real_window", "installed_plugins")


def test_a_window_comes_back_where_it_was(make_napari_viewer, make_result, tmp_path, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    points = add_domains(viewer, make_result(n_domains=4), name="run")
    dock, _ = open_room(viewer, DomainsDock)
    dock.show_run(points)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3)
    domain_layer(points).edits.rename("2", "tumour")
    qtbot.wait(300)
    camera = viewer.scene.camera
    camera.zoom, camera.center = 2 * camera.zoom, (0, 50, 60)
    seen = camera.zoom, camera.center

    trigger(viewer, "Save session")
    dialog = dialog_of(viewer)
    dialog.selectNameFilter(INSIDE)
    dialog.fileSelected.emit(str(tmp_path / "work.trsmi"))
    dialog.close()
    assert (tmp_path / "work.trsmi" / "session.json").is_file()
    assert not domain_layer(points).edits.unsaved
    names = [layer.name for layer in viewer.layers]
    viewer.layers.clear()
    viewer.reset_view()

    qtbot.waitUntil(lambda: dialog_of(viewer) is None)
    trigger(viewer, "Open session")
    dialog = dialog_of(viewer)
    dialog.fileSelected.emit(str(tmp_path / "work.trsmi"))
    dialog.close()
    qtbot.waitUntil(lambda: len(viewer.layers) == 3)
    assert [layer.name for layer in viewer.layers] == names
    qtbot.wait(300)
    np.testing.assert_allclose(camera.zoom, seen[0])
    np.testing.assert_allclose(camera.center, seen[1])
    assert "tumour" in result_of(viewer.layers["run"]).colors
    assert dock.domains.layer is viewer.layers["run"]
    assert dock.boundaries.box.isChecked()


def trigger(viewer, title):
    """Choose an entry of File > IO Utilities."""
    menu = viewer.window.file_menu
    for word in ("IO Utilities", title):
        menu.aboutToShow.emit()
        action = next(action for action in menu.actions() if word in action.text())
        menu = action.menu()
    action.trigger()


def dialog_of(viewer):
    return next(iter(viewer.window._qt_window.findChildren(QFileDialog)), None)


def test_a_session_that_cannot_be_opened_says_why(make_napari_viewer, tmp_path):
    make_napari_viewer()
    notification_manager.records.clear()
    dialog = ask_what_to_open()
    dialog.fileSelected.emit(str(tmp_path))
    dialog.close()
    (said,) = notification_manager.records
    assert "is no session" in said.message
    notification_manager.records.clear()


def test_a_session_that_is_there_is_replaced_by_its_name(
    make_napari_viewer, tmp_path, monkeypatch, qtbot
):
    viewer = make_napari_viewer(show=True)
    viewer.add_points([[1, 2]], name="first")
    for name in ("first", "second"):
        viewer.layers[0].name = name
        dialog = ask_where_to_save()
        asked = []

        def press(box, asked=asked):
            asked.append(box.text())
            next(button for button in box.buttons() if button.text() == "Replace").click()

        monkeypatch.setattr(QMessageBox, "exec", press)
        field = dialog.findChild(QLineEdit)
        field.selectAll()
        qtbot.keyClicks(field, str(tmp_path / "work.trsmi"))
        qtbot.wait(300)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        saved = tmp_path / "work.trsmi" / "session.json"
        qtbot.waitUntil(saved.is_file)
        assert json.loads(saved.read_text())["layers"][0]["looks"]["name"] == name
        assert bool(asked) is (name == "second")
        qtbot.waitUntil(lambda: dialog_of(viewer) is None)
    notification_manager.records.clear()
