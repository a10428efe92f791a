from __future__ import annotations

from dataclasses import replace

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_trsmi import add_domains, simulate
from napari_trsmi.analysis.markers import marker_features
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.markers import MarkersPanel


@pytest.fixture(scope="module")
def dataset():
    return simulate(n_spots=64, n_features={"rna": 30, "protein": 8}, modalities=("rna", "protein"))


@pytest.fixture
def points(make_result, dataset):
    result = make_result(n_spots=dataset.n_spots)
    domains = result.domains.set_axis(dataset.spots)
    return add_domains(ViewerModel(), replace(result, domains=domains), dataset=dataset)


@pytest.fixture
def panel(qtbot, points):
    panel = MarkersPanel()
    qtbot.addWidget(panel)
    panel.follow(domain_layer(points))
    yield panel
    qtbot.waitUntil(lambda: not panel.background.busy, timeout=60_000)


def rank(panel, qtbot):
    with qtbot.waitSignal(panel.background.finished, timeout=60_000):
        panel.rank.click()
        assert not panel.rank.isEnabled()


def test_features_of_a_domain_are_ranked_best_first(panel, points, dataset, qtbot):
    domain_layer(points).edits.rename("2", "white matter")
    panel.choose_domain("white matter")
    panel.modality.setCurrentText("protein")
    rank(panel, qtbot)
    expected = marker_features(
        dataset,
        domain_layer(points).edits.result().domains,
        "white matter",
        modalities=["protein"],
    )
    shown = [panel.table.text_at(row, 0) for row in range(panel.table.rowCount())]
    assert shown == list(expected["feature"])
    assert panel.table.text_at(0, 1) == f"{expected['score'].iloc[0]:.1f}"
    assert "white matter against all other spots" in panel.status.text()
    assert panel.rank.isEnabled()


def test_a_marker_is_chosen_with_its_table_even_if_another_is_chosen_since(panel, qtbot):
    rank(panel, qtbot)
    told = []
    panel.feature_chosen.connect(lambda *names: told.append(names))
    panel.modality.setCurrentText("protein")
    panel.table.activated.emit(panel.table.model().index(1, 2))
    assert told == [("rna", panel.table.text_at(1, 0))]


def test_ready_features_have_no_fold_change(panel, points, dataset, qtbot):
    from napari_trsmi.data.dataset import Kind

    first, second = dataset.modalities
    points.metadata["trsmi_dataset"] = replace(
        dataset, modalities=(replace(first, kind=Kind.FEATURES), second)
    )
    rank(panel, qtbot)
    assert panel.table.text_at(0, 2) == ""


def test_the_domains_are_those_after_edits(panel, points):
    edits = domain_layer(points).edits
    panel.choose_domain("3")
    edits.merge(["1", "2"])
    assert [panel.domain.itemText(row) for row in range(panel.domain.count())] == ["1", "3"]
    assert panel.domain.currentText() == "3"


def test_what_cannot_be_ranked_is_told(panel, points, qtbot, make_result):
    edits = domain_layer(points).edits
    edits.merge(["1", "2", "3"])
    told = []
    panel.failed.connect(told.append)
    with qtbot.waitSignal(panel.background.failed, timeout=60_000):
        panel.rank.click()
    assert "All other domains together have 0 spots" in told[-1]
    assert panel.table.rowCount() == 0
    panel.follow(domain_layer(add_domains(ViewerModel(), make_result())))
    assert "no tables" in panel.status.text()
    assert not panel.rank.isEnabled()


def test_following_nothing(panel):
    panel.follow(None)
    assert panel.domain.count() == 0
    panel._on_rank_clicked()
    assert not panel.background.busy


def test_every_control_has_a_tooltip(panel):
    for control in (panel.domain, panel.modality, panel.rank, panel.table):
        assert control.toolTip()
        assert control.focusPolicy() != Qt.FocusPolicy.NoFocus
