"""Plots of a run in a real window: chosen, drawn, saved, and taken back to the tissue."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from napari_trsmi import add_domains
from napari_trsmi.data.dataset import Kind, Modality, SpatialOmics
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.plots.dock import PlotsDock
from napari_trsmi.widgets.plots.kinds import DOT_PLOT, KINDS, PROFILE, RIVER


@pytest.fixture
def dock(make_napari_viewer, make_result, qtbot):
    viewer = make_napari_viewer()
    result = make_result(n_spots=120)
    rng = np.random.default_rng(0)
    means = 1 + 9 * np.eye(3, 6)[result.domains.cat.codes.to_numpy()]
    table = AnnData(
        rng.poisson(means).astype(np.float32),
        obs=pd.DataFrame(index=result.domains.index),
        var=pd.DataFrame(index=[f"g{i}" for i in range(6)]),
    )
    dataset = SpatialOmics(
        (Modality("rna", Kind.RNA, table),),
        result.coordinates,
        result.domains.index,
        result.annotations,
    )
    layer = add_domains(viewer, result, dataset=dataset)
    dock = PlotsDock(viewer)
    viewer.window.add_dock_widget(dock, name=dock.menu_name)
    dock.points = layer
    yield dock
    qtbot.waitUntil(lambda: not dock.background.busy, timeout=60_000)


def draw(dock, qtbot, name):
    dock.choose(name)
    with qtbot.waitSignal(dock.background.busy_changed, timeout=1000):
        dock.draw.click()
    qtbot.waitUntil(lambda: not dock.background.busy, timeout=120_000)
    assert dock.plot is not None, dock.status.text()


def shown(dock):
    return {asked for asked, box in dock.choices._rows.items() if not box.isHidden()}


@pytest.mark.parametrize(
    "name", [k.name for k in KINDS if k.name not in (RIVER, "Gene set", "Neighbourhoods")]
)
def test_every_plot_is_drawn_and_saved(dock, qtbot, tmp_path, name):
    if name in ("Co-occurrence", "What varies in space"):
        pytest.importorskip("squidpy")
    draw(dock, qtbot, name)
    assert not dock.view.is_empty
    assert dock.table.rowCount() == min(len(dock.plot.table), 200)
    dock.write_plot(str(tmp_path / "plot.png"))
    dock.write_table(str(tmp_path / "plot.csv"))
    assert (tmp_path / "plot.png").is_file()
    assert len(pd.read_csv(tmp_path / "plot.csv")) == len(dock.plot.table)


def test_only_what_a_plot_asks_for_is_shown(dock):
    for kind in KINDS:
        dock.choose(kind.name)
        assert shown(dock) == set(kind.asks)
    assert not dock.save.isEnabled()


def test_a_feature_of_the_table_colours_the_spots(dock, qtbot):
    draw(dock, qtbot, PROFILE)
    feature = dock.table.text_at(0, 0)
    assert feature in ("g0", "g1")
    dock.table.activated.emit(dock.table.model().index(0, 0))
    assert feature in domain_layer(dock.points).coloring.label


def test_a_set_is_scored_and_shown_on_the_tissue(dock, qtbot):
    dock.choose("Gene set")
    dock.draw.click()
    qtbot.waitUntil(lambda: "Type the features" in dock.status.text(), timeout=10_000)
    dock.choices.features.setText("G0; g5")
    draw(dock, qtbot, "Gene set")
    dock.color.click()
    coloring = domain_layer(dock.points).coloring
    of_first = (domain_layer(dock.points).edits.result().domains == "1").to_numpy()
    assert coloring.values[of_first].mean() > coloring.values[~of_first].mean()


def test_a_river_between_two_runs(dock, qtbot, make_result):
    other = make_result(n_spots=120, n_domains=4)
    add_domains(dock._viewer, other, name="other")
    dock._viewer.layers.selection.active = dock.points
    dock.choose(RIVER)
    dock.choices.labels.setCurrentText("Run: other")
    draw(dock, qtbot, RIVER)
    assert set(dock.plot.table["other"]) == {"1", "2", "3", "4"}
    titles = [text.get_text() for text in dock.plot.figure.axes[0].texts]
    assert {"this run", "other"} <= set(titles)


def test_a_line_that_was_drawn_takes_the_boundarys_place(dock, qtbot):
    shapes = dock._viewer.add_shapes(name="line")
    dock._viewer.layers.selection.active = dock.points
    dock.choose(PROFILE)
    dock.choices.other.setCurrentText("3")
    dock.choices.line.show_layer(shapes)
    dock.draw.click()
    assert "has no line" in dock.status.text()
    middle = dock.points.data[:, 1].mean()
    shapes.add_lines(np.array([[200.0, middle], [0.0, middle]]))
    dock.choices.reach.setValue(500)
    draw(dock, qtbot, PROFILE)
    assert set(dock.plot.table["feature"][:2]) == {"g0", "g2"}


def test_why_a_plot_cannot_be_drawn_is_said(dock, qtbot):
    dock.choose(PROFILE)
    dock.choices.other.setCurrentText("3")
    dock.draw.click()
    qtbot.waitUntil(lambda: "do not touch" in dock.status.text(), timeout=20_000)
    assert dock.draw.isEnabled()


def test_an_edit_is_told_and_offered(dock, qtbot):
    draw(dock, qtbot, "Composition")
    domain_layer(dock.points).edits.rename("2", "Stroma")
    assert "draw again" in dock.status.text()
    assert dock.choices.domain.findText("Stroma") >= 0


def test_lengths_are_in_micrometres_where_they_are_known(dock, make_result):
    result = make_result()
    known = replace(result, record={**result.record, "micrometres_per_unit": 0.5})
    dock._viewer.layers.selection.active = add_domains(dock._viewer, known)
    assert dock.choices.reach.suffix() == " µm"


def test_the_domains_dock_leads_here(make_napari_viewer, make_result):
    viewer = make_napari_viewer()
    add_domains(viewer, make_result())
    domains = DomainsDock(viewer)
    viewer.window.add_dock_widget(domains, name=domains.menu_name)
    domains.plots.click()
    (plots,) = viewer.window._qt_window.findChildren(PlotsDock)
    plots.choose(PROFILE)
    domains.plots.click()
    assert plots.kind.name == PROFILE
    domains.markers.all_domains.click()
    assert plots.kind.name == DOT_PLOT
    domains.comparison.river.click()
    assert plots.kind.name == RIVER


def test_sets_of_a_file_are_chosen_one_by_one_or_all_at_once(dock, qtbot, tmp_path):
    path = tmp_path / "sets.gmt"
    path.write_text("first\tx\tg0\tg1\nsecond\tx\tg2\tg3\n")
    dock.choose("Gene set")
    dock.choices.sets.load_file(str(path))
    draw(dock, qtbot, "Gene set")
    assert sorted(dock.plot.table["set"]) == ["first", "second"]
    box = dock.choices.sets.box
    box.setCurrentText("second")
    box.activated.emit(box.currentIndex())
    assert dock.choices.features.text() == "g2, g3"
    draw(dock, qtbot, "Gene set")
    assert dock.plot.scores is not None
    state = dock.state()
    box.setCurrentIndex(0)
    dock.restore(state)
    assert box.currentText() == "second"
    qtbot.waitUntil(lambda: dock.plot is not None, timeout=60_000)
    path.write_text("nothing")
    dock.choices.sets.load_file(str(path))
    assert "is no set of a GMT" in dock.status.text()
