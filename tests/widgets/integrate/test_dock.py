"""The Integrate dock in a window: every control, a run from the click to the layer of domains."""

import re

import numpy as np
import pytest
from napari.layers import Image, Points
from napari.utils import progress
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QWidget,
)

from napari_trsmi.config import Config
from napari_trsmi.training.report import EpochReport
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.domains.layer import shows_domains
from napari_trsmi.viewer.run.candidates import candidates_of_layer
from napari_trsmi.widgets.integrate import dock as home
from napari_trsmi.widgets.integrate.activity_bar import ActivityBar
from napari_trsmi.widgets.integrate.dock import IntegrateDock


@pytest.fixture
def dock(make_dock):
    return make_dock()


def run(dock, qtbot):
    """Click Run, and wait until the layer is there."""
    count = len(dock._viewer.layers)
    qtbot.mouseClick(dock.panel.run, Qt.MouseButton.LeftButton)
    assert dock.controller.running
    qtbot.waitUntil(lambda: not dock.controller.running, timeout=60_000)
    qtbot.waitUntil(lambda: not dock._adding, timeout=10_000)
    return [layer for layer in list(dock._viewer.layers)[count:] if shows_domains(layer)]


def test_it_chooses_what_is_there(dock, section):
    assert dock.points.layer.name == "spots"
    assert dock.image.layer is None
    assert [row.used.text() for row in dock.modalities.rows] == ["rna", "protein"]
    assert dock.panel.ready.text() == "60 spots in rna and protein."
    assert dock.panel.run.isEnabled()


def test_it_chooses_what_comes_later(make_napari_viewer, spots_layer, qtbot):
    viewer = make_napari_viewer()
    dock = IntegrateDock(viewer)
    viewer.window.add_dock_widget(dock)
    assert "There is no modality" in dock.panel.ready.text()
    viewer.add_image(np.zeros((5, 40, 40)), name="stack")
    viewer.add_image(np.zeros((40, 40, 3)), rgb=True, name="H&E")
    viewer.add_layer(spots_layer)
    assert dock.image.layer.name == "H&E"
    assert dock.points.layer is spots_layer
    qtbot.waitUntil(dock.panel.run.isEnabled, timeout=60_000)
    viewer.add_points(np.zeros((4, 2)), name="more")
    assert dock.points.layer is spots_layer


def test_the_picture_in_colour_is_preferred(make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((40, 40, 3)), rgb=True, name="H&E")
    viewer.add_image(np.zeros((40, 40)), name="DAPI")
    dock = IntegrateDock(viewer)
    assert dock.image.layer.name == "H&E"
    dock.close()


def test_a_run_ends_in_a_layer_of_domains(dock, section, qtbot):
    reports = []
    dock.controller.stepped.connect(reports.append)
    (layer,) = run(dock, qtbot)
    assert isinstance(layer, Points)
    assert dataset_of(layer) is section
    result = result_of(layer)
    assert result.n_domains == 3
    assert layer.visible
    np.testing.assert_array_equal(layer.data, section.coordinates[:, ::-1])
    assert dock.panel.status.text() == "3 domains found in 2 epochs."
    assert dock.panel.run.isEnabled()
    assert len(dock.panel.curve.losses) == 2
    assert section.notes[0] in dock.panel.notes.toPlainText()
    assert sum(isinstance(step, EpochReport) for step in reports) == 2
    assert not progress._all_instances


def test_the_activity_bar_follows_the_epochs(dock, qtbot, monkeypatch):
    dock.form.set_config(dock.form.config().replace(epochs=200))
    shown = []
    show_step = ActivityBar.show_step

    def note(self, step):
        show_step(self, step)
        shown.extend((bar.n, bar.total, bar.desc) for bar in progress._all_instances)

    monkeypatch.setattr(ActivityBar, "show_step", note)
    run(dock, qtbot)
    # steps that come while napari handles events are shown together, whichever they are
    epochs = {words for *_, words in shown if re.match(r"TRSMI: Epoch \d+ of 200, loss", words)}
    assert len(epochs) > 10
    shares = [share for share, *_ in shown]
    assert shares == sorted(shares)
    assert 0 < shares[-1] < 100
    assert shown[-1][2].startswith("TRSMI: Finding the domains")


def test_colours_stay_with_the_domains_from_run_to_run(dock, qtbot):
    (first,) = run(dock, qtbot)
    dock.form.set_config(dock.form.config().replace(n_domains=4, seed=3))
    (second,) = run(dock, qtbot)
    one, other = result_of(first), result_of(second)
    shared = set(one.domains.cat.categories) & set(other.domains.cat.categories)
    assert len(shared) >= 2
    assert all(one.colors[name] == other.colors[name] for name in shared)
    largest = one.domains.value_counts().index[0]
    overlap = other.domains[one.domains == largest].value_counts()
    assert overlap.index[0] == largest


def test_the_result_lies_on_the_image_that_is_chosen(dock, qtbot, section):
    image = dock._viewer.add_image(
        np.zeros((700, 700)), scale=(2, 2), translate=(5, 9), affine=np.diag([3.0, 3.0, 1.0])
    )
    points = dock.points.layer
    points.affine = np.diag([3.0, 3.0, 1.0])
    points.translate = (5, 9)
    assert dock.inputs.image is image
    (layer,) = run(dock, qtbot)
    for place in (0, 17):
        np.testing.assert_allclose(
            layer.data_to_world(layer.data[place]), points.data_to_world(points.data[place])
        )
    np.testing.assert_allclose(layer.scale, image.scale)
    np.testing.assert_allclose(result_of(layer).coordinates, section.coordinates / 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda dock: dock.inputs.set_used(dock.inputs.choices[0], used=False), ""),
        (lambda dock: dock.points.chosen.emit(None), "There is no modality"),
        (lambda dock: dock.form.native("n_domains").setValue(31), "60 spots are too few for 31"),
        (lambda dock: dock.form.native("teleports").setText("0.1"), "must have the same length"),
        (lambda dock: dock.form.native("teleports").setText("x"), "Teleports: 'x' is no list"),
    ],
)
def test_changes_are_checked_at_once(dock, qtbot, change, reason):
    change(dock)
    qtbot.waitUntil(lambda: dock.panel.run.isEnabled() == (not reason))
    assert reason in dock.panel.ready.text()
    assert reason in dock.panel.run.toolTip()


def test_what_the_layers_themselves_became_is_seen_at_the_start(dock):
    layer = dock.points.layer
    layer.data = layer.data[:-1]
    assert not dock.start()
    assert "points were added or removed" in dock.panel.ready.text()
    assert not dock.panel.run.isEnabled()


def test_the_image_can_be_none(dock):
    picture = dock._viewer.add_image(np.zeros((700, 700)))
    assert dock.inputs.image is picture
    dock.image.chosen.emit(None)
    assert dock.inputs.image is None


def test_run_waits_for_pytorch(make_napari_viewer, spots_layer, monkeypatch, qtbot):
    def fail():
        raise ImportError("no torch")

    monkeypatch.setattr(home, "warm_up", fail)
    viewer = make_napari_viewer()
    viewer.add_layer(spots_layer)
    dock = IntegrateDock(viewer)
    qtbot.addWidget(dock)
    assert dock.panel.ready.text() == "Loading PyTorch…"
    assert not dock.start()
    qtbot.waitUntil(lambda: "cannot be loaded" in dock.panel.ready.text(), timeout=10_000)
    assert "no torch" in dock.panel.ready.text()
    assert not dock.panel.run.isEnabled()


def test_devices_are_listed_with_their_free_memory(dock):
    box = dock.form.native("device")
    items = [box.itemText(i) for i in range(box.count())]
    assert items[0].startswith("Auto (")
    assert items[-1].startswith("CPU, ")
    assert items[-1].endswith("GiB free")


def test_files_are_read_in_the_background(dock, section, tmp_path, qtbot):
    table = section.modalities[1].table.copy()
    table.write_h5ad(tmp_path / "adt_again.h5ad")
    dock.points.chosen.emit(None)
    dock.modalities.files_chosen.emit([tmp_path / "adt_again.h5ad"])
    assert dock.panel.ready.text() == "Reading the files…"
    assert not dock.panel.run.isEnabled()
    qtbot.waitUntil(dock.panel.run.isEnabled, timeout=20_000)
    assert [row.used.text() for row in dock.modalities.rows] == ["protein"]
    (layer,) = run(dock, qtbot)
    assert list(result_of(layer).modality_weights) == ["protein"]


def test_a_file_that_cannot_be_read_is_a_reason_until_something_changes(dock, tmp_path, qtbot):
    (tmp_path / "broken.h5ad").write_text("no table")
    dock.modalities.files_chosen.emit([tmp_path / "broken.h5ad"])
    qtbot.waitUntil(lambda: "broken.h5ad" in dock.panel.ready.text(), timeout=20_000)
    assert not dock.panel.run.isEnabled()
    dock.inputs.set_used(dock.inputs.choices[0], used=False)
    qtbot.waitUntil(dock.panel.run.isEnabled)


def test_the_stain_itself_can_be_a_modality(dock, qtbot):
    pixels = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), dtype=np.uint8)
    dock._viewer.add_image(pixels, rgb=True, name="H&E")
    dock.modalities._menu.aboutToShow.emit()
    dock.modalities._menu.actions()[0].trigger()
    assert [row.kind.currentText() for row in dock.modalities.rows][-1] == "Image"
    (layer,) = run(dock, qtbot)
    assert list(result_of(layer).modality_weights) == ["rna", "protein", "H&E"]


def test_a_layer_that_goes_takes_its_modalities_along(dock, qtbot):
    viewer = dock._viewer
    viewer.layers.remove("spots")
    assert dock.points.layer is None
    assert dock.modalities.rows == []
    qtbot.waitUntil(lambda: not dock.panel.run.isEnabled())


def test_a_layer_that_is_renamed_stays_chosen(dock):
    dock._viewer.layers["spots"].name = "other"
    assert dock.points.currentText() == "other"


def test_the_form_starts_from_the_config(make_dock):
    assert make_dock(config=Config()).form.config() == Config()


# -- reachable, told, in place ---------------------------------------------------

_CONTROLS = (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
)


def _controls(dock):
    """The widgets that a user operates; not what Qt makes inside of one."""
    return [
        widget
        for widget in dock.findChildren(QWidget)
        if isinstance(widget, _CONTROLS)
        and not isinstance(widget.parent(), (QAbstractSpinBox, QComboBox))
        and widget.objectName() != "qt_toolbar_ext_button"
    ]


def test_every_control_has_a_tooltip_and_is_reached_by_keys(dock):
    dock.inputs.add(candidates_of_layer(Image(np.zeros((9, 9)), name="one")))
    controls = _controls(dock)
    assert len(controls) > 60
    for control in controls:
        assert control.toolTip(), (type(control), control.objectName())
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.toolTip()


def _needed(control):
    """The width that a control's present text takes, with what is beside it."""
    if isinstance(control, QAbstractSpinBox):
        return control.fontMetrics().horizontalAdvance(control.text()) + 48
    if isinstance(control, QComboBox):
        return control.fontMetrics().horizontalAdvance(control.currentText()) + 30
    if isinstance(control, QLineEdit):
        return control.fontMetrics().horizontalAdvance(control.text()) + 8
    return control.minimumSizeHint().width()


@pytest.mark.usefixtures("real_window")
def test_tab_goes_through_the_dock_from_top_to_bottom(make_dock, qtbot):
    dock = make_dock(show=True)
    dock.activateWindow()
    dock.points.setFocus()
    qtbot.waitUntil(dock.points.hasFocus, timeout=5000)
    seen = []
    for _ in range(30):
        seen.append(QApplication.focusWidget())
        qtbot.keyClick(seen[-1], Qt.Key.Key_Tab)
        if dock.panel.run.hasFocus():
            break
    assert dock.panel.run.hasFocus(), [widget.toolTip() for widget in seen]
    heights = [widget.mapTo(dock, widget.rect().center()).y() for widget in seen]
    assert heights == sorted(heights) or np.all(np.diff(heights) > -8)  # neighbours in a row
    assert dock.form.native("seed") in seen
    assert dock.advanced.toggleButton() in seen


@pytest.mark.usefixtures("real_window")
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_fits_the_window_in_both_themes(make_dock, qtbot, theme):
    dock = make_dock(show=True)
    viewer = dock._viewer
    viewer.theme = theme
    viewer.window._qt_window.resize(1280, 800)
    dock.advanced.expand()
    qtbot.wait(50)
    assert viewer.window._qt_window.height() <= 800
    assert viewer.window._qt_window.width() <= 1280
    for control in _controls(dock):
        if control.isVisible():
            assert control.width() >= _needed(control), control.toolTip()
    for area in dock.findChildren(QAbstractScrollArea):
        bar = area.horizontalScrollBar()
        if not isinstance(area, QPlainTextEdit) and isinstance(bar, QScrollBar):
            assert bar.maximum() == 0
    text = dock.panel.curve._text
    assert (text.lightness() > 128) == (theme == "dark")
