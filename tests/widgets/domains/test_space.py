from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_trsmi import Config, add_domains, integrate, simulate
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.space import CO_OCCURRENCE, ENRICHMENT, MORAN, SpacePanel

pytest.importorskip("squidpy")


@pytest.fixture(scope="module")
def section():
    return simulate(n_spots=100, modalities=("rna", "protein"), n_features={"rna": 60})


@pytest.fixture(scope="module")
def result(section):
    small = Config(n_components=5, embedding_dim=5, feature_neighbors=5, align_neighbors=4)
    return integrate(section, config=small, n_domains=3, epochs=2)


@pytest.fixture
def panel(qtbot, section, result):
    panel = SpacePanel()
    qtbot.addWidget(panel)
    panel.points = add_domains(ViewerModel(), result, dataset=section)
    panel.follow(domain_layer(panel.points))
    panel.show()
    yield panel
    qtbot.waitUntil(lambda: not panel.background.busy, timeout=120_000)


def compute(panel, qtbot, statistic):
    panel.statistic.setCurrentText(statistic)
    with qtbot.waitSignal(panel.background.finished, timeout=120_000):
        panel.compute.click()
        assert not panel.compute.isEnabled()


def headers(panel):
    return [panel.table.horizontalHeaderItem(column).text() for column in range(3)]


def test_neighbours_are_a_map_and_a_table(panel, qtbot):
    compute(panel, qtbot, ENRICHMENT)
    assert headers(panel) == ["Domain", "Neighbour", "z"]
    assert panel.table.rowCount() == 3  # pairs of three domains
    scores = [abs(float(panel.table.text_at(row, 2))) for row in range(3)]
    assert scores == sorted(scores, reverse=True)
    assert panel.canvas.isVisible()
    assert panel.canvas.figure.axes[0].images[0].get_array().shape == (3, 3)


def test_co_occurrence_is_a_curve_a_domain_in_its_colour(panel, qtbot):
    edits = domain_layer(panel.points).edits
    edits.recolor("2", "#123456")
    compute(panel, qtbot, CO_OCCURRENCE)
    lines = panel.canvas.figure.axes[0].lines[:3]
    assert [line.get_color() for line in lines] == list(edits.colors.values())
    assert panel.table.rowCount() == 6


def test_a_feature_that_varies_is_shown_when_it_is_chosen(panel, qtbot):
    panel.statistic.setCurrentText(MORAN)
    assert panel.modality.isVisible()
    panel.modality.setCurrentText("protein")
    compute(panel, qtbot, MORAN)
    values = [float(panel.table.text_at(row, 1)) for row in range(panel.table.rowCount())]
    np.testing.assert_array_equal(values, sorted(values, reverse=True))
    with qtbot.waitSignal(panel.feature_chosen) as chosen:
        panel.table.activated.emit(panel.table.model().index(0, 0))
    assert chosen.args == ["protein", panel.table.text_at(0, 0)]


def test_an_edit_drops_what_was_computed(panel, qtbot):
    compute(panel, qtbot, ENRICHMENT)
    domain_layer(panel.points).edits.merge(["1", "2"])
    assert panel.table.rowCount() == 0
    assert not panel.canvas.isVisible()


def test_why_it_cannot_is_told(panel, qtbot):
    domain_layer(panel.points).edits.merge(["1", "2", "3"])
    told = []
    panel.failed.connect(told.append)
    with qtbot.waitSignal(panel.background.failed, timeout=120_000):
        panel.compute.click()
    assert "one domain only" in told[-1]
    assert panel.compute.isEnabled()


def test_without_tables_there_is_nothing_to_rank(qtbot, result):
    panel = SpacePanel()
    qtbot.addWidget(panel)
    points = add_domains(ViewerModel(), result)  # a layer is gone with its last name
    panel.follow(domain_layer(points))
    panel.statistic.setCurrentText(MORAN)
    assert not panel.compute.isEnabled()
    assert "no tables" in panel.status.text()
    panel.follow(None)
