from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_trsmi import add_domains, simulate
from napari_trsmi.viewer.domains.coloring import by_feature, relative_depth
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.color_by import ColorByPanel


@pytest.fixture(scope="module")
def dataset():
    return simulate(n_spots=64, n_features={"rna": 30, "protein": 8}, modalities=("rna", "protein"))


@pytest.fixture
def points(make_result, dataset):
    return add_domains(ViewerModel(), make_result(n_spots=dataset.n_spots), dataset=dataset)


@pytest.fixture
def panel(qtbot, points):
    panel = ColorByPanel()
    qtbot.addWidget(panel)
    panel.follow(domain_layer(points))
    panel.show()
    return panel


def choose(combo, text):
    """Choose as a user does."""
    combo.setCurrentText(text)
    combo.activated.emit(combo.currentIndex())


def test_everything_that_spots_can_be_coloured_by_is_offered(panel):
    offered = [panel.what.itemText(row) for row in range(panel.what.count())]
    assert offered == ["Domain", "Confidence", "Weight of rna", "Weight of protein", "Feature"]
    assert not panel.bar.isVisible()
    assert not panel.feature.isVisible()
    assert not panel.colormap.isVisible()


@pytest.mark.parametrize("what", ["Confidence", "Weight of protein"])
def test_numbers_of_the_run_and_back_to_domains(panel, points, what):
    before = points.face_color.copy()
    choose(panel.what, what)
    coloring = domain_layer(points).coloring
    assert coloring.label == what.lower()
    np.testing.assert_allclose(points.face_color, coloring.colors(), atol=1e-6)
    assert panel.bar.isVisible()
    assert not panel.feature.isVisible()
    choose(panel.colormap, "magma")
    assert domain_layer(points).coloring.colormap == "magma"
    choose(panel.what, "Domain")
    np.testing.assert_allclose(points.face_color, before, atol=1e-6)
    assert not panel.bar.isVisible()


def test_a_feature_of_either_table(panel, points, dataset):
    choose(panel.what, "Feature")
    assert panel.feature.isVisible()
    assert panel.log.isChecked()
    name = dataset.modalities[0].table.var_names[3]
    choose(panel.feature, name)
    depth = relative_depth(dataset.modalities[0])
    np.testing.assert_array_equal(
        domain_layer(points).coloring.values,
        by_feature(dataset, "rna", name, log=True, depth=depth).values,
    )
    panel.per_depth.click()
    np.testing.assert_array_equal(
        domain_layer(points).coloring.values, by_feature(dataset, "rna", name, log=True).values
    )
    panel.log.click()
    assert domain_layer(points).coloring.label == name
    choose(panel.modality, "protein")
    first = dataset.modalities[1].table.var_names[0]
    assert panel.feature.currentText() == first
    assert domain_layer(points).coloring.label == f"log(1 + {first})"
    assert not panel.per_depth.isVisible()  # few proteins make up most of their counts


def test_a_name_that_is_typed_wrongly_is_told(panel, qtbot):
    choose(panel.what, "Feature")
    told = []
    panel.failed.connect(told.append)
    panel.feature.lineEdit().setText("nonsense")
    qtbot.keyClick(panel.feature.lineEdit(), Qt.Key.Key_Return)
    assert "no feature 'nonsense'" in told[-1]


def test_showing_a_feature_on_request(panel, points, dataset):
    name = dataset.modalities[1].table.var_names[2]
    panel.show_feature("protein", name)
    assert domain_layer(points).coloring.label == f"log(1 + {name})"
    assert (panel.what.currentText(), panel.feature.currentText()) == ("Feature", name)


def test_without_tables_there_are_no_features(panel, make_result):
    told = []
    panel.failed.connect(told.append)
    panel.follow(domain_layer(add_domains(ViewerModel(), make_result())))
    assert panel.what.findText("Feature") < 0
    panel.show_feature("rna", "gene_0")
    assert "carries no table 'rna'" in told[-1]


def test_another_dock_shows_the_scale_that_is_in_use(panel, points, qtbot):
    choose(panel.what, "Weight of rna")
    choose(panel.colormap, "cividis")
    other = ColorByPanel()
    qtbot.addWidget(other)
    other.follow(domain_layer(points))
    assert (other.what.currentText(), other.colormap.currentText()) == ("Weight of rna", "cividis")
    choose(panel.what, "Feature")
    assert other.what.currentText() == "Feature"


def test_points_that_were_deleted_are_told(panel, points):
    told = []
    panel.failed.connect(told.append)
    points.data = points.data[:59]
    choose(panel.what, "Confidence")
    assert "points were added or deleted" in told[-1]


def test_following_nothing_empties_it(panel):
    panel.follow(None)
    assert panel.what.count() == 0
    assert not panel.isEnabled()
    panel._apply()


def test_the_bar_shows_the_colours_from_low_to_high(panel, qtbot):
    choose(panel.what, "Confidence")
    image = panel.bar._gradient.grab().toImage()
    middle = image.height() // 2
    left, right = (image.pixelColor(x, middle).getRgb()[:3] for x in (0, image.width() - 1))
    np.testing.assert_allclose(left, (68, 1, 84), atol=3)
    np.testing.assert_allclose(right, (253, 231, 37), atol=3)


def test_tens_of_thousands_of_names_are_found_by_a_part(panel, qtbot):
    panel._features.setStringList([f"gene_{place}" for place in range(30_000)])
    completer = panel.feature.completer()
    completer.setCompletionPrefix("2999")
    assert completer.completionModel().rowCount() > 0
    assert all(
        "2999" in completer.completionModel().index(row, 0).data()
        for row in range(completer.completionModel().rowCount())
    )
