from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel

from napari_trsmi import add_domains
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.compare import ComparePanel


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def runs(viewer, make_result):
    """Two runs: the second with other names, and a fifth of the spots elsewhere."""
    first = make_result(n_domains=3, image_scale=None)
    renamed = first.domains.cat.rename_categories({"1": "9", "2": "7", "3": "8"})
    renamed.iloc[:12] = "9"
    second = replace(first, domains=renamed)
    return add_domains(viewer, first, name="one"), add_domains(viewer, second, name="two")


@pytest.fixture
def panel(qtbot, viewer, runs):
    panel = ComparePanel(viewer)
    qtbot.addWidget(panel)
    panel.follow(domain_layer(runs[0]))
    yield panel
    qtbot.waitUntil(lambda: not panel.background.busy)


def compare(panel, qtbot):
    with qtbot.waitSignal(panel.background.finished):
        panel.compare.click()


def rows(panel):
    return [
        [panel.table.text_at(row, column) for column in range(3)]
        for row in range(panel.table.rowCount())
    ]


def test_other_runs_and_annotations_are_offered(panel, viewer, runs):
    offered = [panel.other.itemText(row) for row in range(panel.other.count())]
    assert offered == ["Run: two", "Annotation: layer"]
    runs[1].name = "later"
    panel.list_others()
    assert panel.other.itemText(0) == "Run: later"
    panel.other.setCurrentIndex(1)
    viewer.layers.remove(runs[1])
    panel.list_others()
    assert panel.other.currentText() == "Annotation: layer"
    assert not panel.show_differences.isEnabled()


def test_two_runs_are_scored_and_matched(panel, qtbot):
    compare(panel, qtbot)
    assert "8 of 60 spots differ" in panel.scores.text()
    assert panel.scores.text().startswith("Agreement: ARI ")
    assert rows(panel) == [["1", "9", "20"], ["2", "7", "16"], ["3", "8", "16"]]


def test_the_other_run_takes_the_colours_of_this_one(panel, runs, qtbot):
    compare(panel, qtbot)
    panel.match_colors.click()
    mine, theirs = (domain_layer(run).edits for run in runs)
    assert theirs.colors == {
        "9": mine.colors["1"],
        "7": mine.colors["2"],
        "8": mine.colors["3"],
    }
    theirs.undo()
    assert not theirs.can_undo


def test_differences_are_a_layer(panel, viewer, runs, qtbot):
    compare(panel, qtbot)
    panel.show_differences.click()
    layer = viewer.layers[-1]
    differ = np.flatnonzero((np.arange(60) < 12) & (domain_layer(runs[0]).edits.domains != "1"))
    np.testing.assert_array_equal(layer.data, runs[0].data[differ])


def test_an_annotation_is_compared_and_shown_in_matching_colours(panel, viewer, runs, qtbot):
    panel.other.setCurrentIndex(1)
    compare(panel, qtbot)
    assert "ARI 100.0, NMI 100.0" in panel.scores.text()
    assert rows(panel)[0] == ["1", "a", "20"]
    panel.match_colors.click()
    assert viewer.layers[-1].name == "layer"
    np.testing.assert_allclose(viewer.layers[-1].face_color, runs[0].face_color, atol=1e-6)
    told = []
    panel.failed.connect(told.append)
    panel.show_differences.click()
    assert "agree on all 60 spots" in told[-1]


def test_a_domain_without_a_partner_says_so(panel, runs, qtbot):
    domain_layer(runs[1]).edits.merge(["7", "8"])
    compare(panel, qtbot)
    assert sum(row[1] == "none" for row in rows(panel)) == 1


def test_edits_make_an_old_comparison_go(panel, runs, qtbot):
    compare(panel, qtbot)
    domain_layer(runs[0]).edits.rename("1", "x")
    assert rows(panel) == []
    assert not panel.match_colors.isEnabled()
    panel._on_match_colors_clicked()
    panel._on_show_differences_clicked()


def test_runs_without_common_spots_are_refused(panel, viewer, make_result, runs, qtbot):
    other = make_result(image_scale=None)
    elsewhere = other.domains.rename(lambda name: f"other_{name}")
    add_domains(viewer, replace(other, domains=elsewhere), name="elsewhere")
    panel.list_others()
    panel.other.setCurrentIndex(1)
    told = []
    panel.failed.connect(told.append)
    with qtbot.waitSignal(panel.background.failed):
        panel.compare.click()
    assert told[-1]
    assert panel.scores.text() == ""


def test_alone_there_is_nothing_to_compare_with(qtbot, make_result):
    viewer = ViewerModel()
    result = make_result(image_scale=None)
    numbers = pd.DataFrame(
        {"area": np.linspace(0, 1, 60), "name": [f"cell {i}" for i in range(60)], "same": "a"},
        result.domains.index,
    ).assign(barcode=np.arange(60))
    points = add_domains(viewer, replace(result, annotations=numbers[["area", "same"]]))
    panel = ComparePanel(viewer)
    qtbot.addWidget(panel)
    panel.follow(domain_layer(points))
    assert not panel.compare.isEnabled()
    assert "no other run" in panel.scores.text()
    panel._on_compare_clicked()
    panel.follow(None)
    panel._on_compare_clicked()
    assert not panel.background.busy


def test_what_is_drawn_can_be_compared_with_and_scored_against(panel, viewer, runs, qtbot):
    points = runs[0]
    stripes = np.asarray(domain_layer(points).edits.result().domains == "1")
    right = points.data[stripes][:, 1].max() + 1
    low, high = points.data.min(axis=0) - 1, points.data.max(axis=0) + 1
    first = [[low[0], low[1]], [low[0], right], [high[0], right], [high[0], low[1]]]
    rest = [[low[0], right], [low[0], high[1]], [high[0], high[1]], [high[0], right]]
    shapes = viewer.add_shapes(
        [first, rest], shape_type="polygon", features={"name": ["one", "rest"]}, name="by hand"
    )
    panel.list_others()
    panel.other.setCurrentText("Drawn: by hand")
    compare(panel, qtbot)
    assert rows(panel)[0] == ["1", "one", "20"]
    assert "20 of 60 spots differ" in panel.scores.text()  # two domains are one region
    panel.match_colors.click()
    layer = viewer.layers["Spots in by hand"]
    assert list(layer.features["label"][stripes].unique()) == ["one"]
    viewer.layers.remove(layer)
    shapes.data = [first]  # drawn anew: the scores are of what was
    assert panel.scores.text() == ""
    assert panel.table.rowCount() == 0


def test_one_region_is_compared_with_the_rest(panel, viewer, runs, qtbot):
    points = runs[0]
    inside = np.asarray(domain_layer(points).edits.result().domains == "1")
    right = points.data[inside][:, 1].max() + 1
    low, high = points.data.min(axis=0) - 1, points.data.max(axis=0) + 1
    region = [[low[0], low[1]], [low[0], right], [high[0], right], [high[0], low[1]]]
    viewer.add_shapes([region], shape_type="polygon", name="by hand")
    panel.list_others()
    panel.other.setCurrentText("Drawn: by hand")
    compare(panel, qtbot)
    assert rows(panel)[0] == ["1", "1", "20"]
    assert any(row[1] == "elsewhere" for row in rows(panel))
    assert "of 60 spots differ" in panel.scores.text()
