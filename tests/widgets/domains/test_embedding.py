from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_trsmi import add_domains
from napari_trsmi.analysis.projection import project
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.widgets.domains.embedding import EmbeddingPanel


@pytest.fixture
def points(make_result):
    return add_domains(ViewerModel(), make_result(n_domains=4))


@pytest.fixture
def panel(qtbot, points):
    panel = EmbeddingPanel()
    qtbot.addWidget(panel)
    panel.resize(320, 320)
    panel.follow(domain_layer(points))
    return panel


@pytest.fixture
def shown(panel, qtbot):
    with qtbot.waitSignal(panel.background.finished):
        panel.show()
    return panel


def corners_around(places):
    low, high = places.min(axis=0) - 1e-3, places.max(axis=0) + 1e-3
    return [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]


def drag(panel, qtbot, corners):
    """Drag the mouse along corners in data coordinates."""
    from matplotlib.backend_bases import MouseEvent

    canvas = panel.scatter
    canvas.draw()
    pixels = canvas._axes.transData.transform(corners)
    for kind, (x, y) in [
        ("button_press_event", pixels[0]),
        *(("motion_notify_event", pixel) for pixel in pixels[1:]),
        ("button_release_event", pixels[-1]),
    ]:
        held = {1} if kind == "motion_notify_event" else None
        event = MouseEvent(kind, canvas, x, y, button=1, buttons=held)
        canvas.callbacks.process(kind, event)


def drawn_colors(panel):
    return {line.get_color() for line in panel.scatter._axes.lines if len(line.get_xdata()) > 2}


def test_nothing_is_projected_before_it_is_seen(panel, qtbot):
    assert not panel.background.busy
    panel.show()
    assert panel.background.busy
    qtbot.waitUntil(lambda: not panel.background.busy, timeout=60_000)


def test_spots_are_drawn_in_the_colours_of_their_domains(shown, points):
    edits = domain_layer(points).edits
    assert drawn_colors(shown) >= set(edits.colors.values())
    edits.recolor("2", "#123456")
    edits.merge(["1", "3"])
    assert set(edits.colors.values()) <= drawn_colors(shown)
    edits.set_visible(["2"], False)
    assert "#123456" not in drawn_colors(shown)


@pytest.mark.parametrize("tool", [0, 1], ids=["lasso", "rectangle"])
def test_dragging_selects_on_the_tissue(shown, points, qtbot, tool):
    shown.tool.setCurrentIndex(tool)
    shown.tool.activated.emit(tool)
    places = project(domain_layer(points).edits.result().embedding)
    some = places[np.argsort(places[:, 0])[:20]]
    low, high = some.min(axis=0) - 1e-3, some.max(axis=0) + 1e-3
    outline = corners_around(some)
    drag(shown, qtbot, [outline[0], outline[2]] if tool else [*outline, outline[0]])
    inside = ((places > low) & (places < high)).all(axis=1)
    assert 20 <= inside.sum() < 60
    assert set(points.selected_data) == set(np.flatnonzero(inside))


def test_hidden_spots_are_not_picked_and_a_click_picks_none(shown, points, qtbot):
    edits = domain_layer(points).edits
    edits.solo(["3"])
    places = project(edits.result().embedding)
    shown.scatter.pick_inside(corners_around(places))
    assert set(points.selected_data) == set(edits.members(["3"]))
    shown.scatter.pick_inside([(0.0, 0.0), (0.0, 0.0)])
    assert not points.selected_data


def test_what_is_selected_on_the_tissue_stands_out(shown, points, qtbot):
    domain_layer(points).select(["2"])
    qtbot.waitUntil(lambda: len(shown.scatter._selected) == 15)
    opaque = [line for line in shown.scatter._axes.lines if line.get_alpha() == 1]
    assert sum(len(line.get_xdata()) for line in opaque) == 15
    points.selected_data = set()
    qtbot.waitUntil(lambda: len(shown.scatter._selected) == 0)
    opaque = [line for line in shown.scatter._axes.lines if line.get_alpha() == 1]
    assert sum(len(line.get_xdata()) for line in opaque) == 60


def test_umap_runs_in_a_thread(shown, points, qtbot):
    shown.method.setCurrentText("UMAP")
    with qtbot.waitSignal(shown.background.finished, timeout=120_000):
        shown.method.activated.emit(1)
        assert "UMAP" in shown.status.text()
    expected = project(domain_layer(points).edits.result().embedding, "umap")
    np.testing.assert_allclose(shown.scatter._places, expected, atol=1e-4)
    assert shown.status.text() == ""


def test_a_run_without_a_usable_embedding_is_told(panel, points, qtbot):
    domain_layer(points).edits.result().embedding[0] = np.nan
    told = []
    panel.failed.connect(told.append)
    with qtbot.waitSignal(panel.background.failed):
        panel.show()
    assert "finite" in told[-1]
    assert "finite" in panel.status.text()


def test_another_run_gets_its_own_projection(shown, make_result, qtbot):
    other = domain_layer(add_domains(ViewerModel(), make_result(n_spots=36, seed=3)))
    with qtbot.waitSignal(shown.background.finished):
        shown.follow(other)
    assert len(shown.scatter._places) == 36
    shown.follow(None)
    assert not shown.scatter.isVisible()
    shown._on_scatter_picked(np.array([0]))


def test_it_is_not_projected_again_when_it_is_seen_again(shown):
    shown.hide()
    shown.show()
    assert not shown.background.busy


def test_a_selection_while_it_projects_is_shown_after(panel, points, qtbot):
    points.selected_data = {1, 2, 3}
    with qtbot.waitSignal(panel.background.finished):
        panel.show()
    assert panel.scatter._selected.tolist() == [1, 2, 3]


def test_the_theme_colours_the_picture(shown):
    shown.set_theme("#123456", "#ffffff")
    image = shown.scatter.grab().toImage()
    assert image.pixelColor(1, 1).name() == "#123456"


def test_many_spots_are_drawn_as_pixels(shown):
    many = np.random.default_rng(0).normal(size=(20_001, 2))
    shown.scatter.show_points(many)
    shown.scatter.color_by_group(
        np.zeros(20_001, dtype=int), ["#ff0000"], np.ones(20_001, dtype=bool)
    )
    assert shown.scatter._axes.lines[-1].get_marker() == ","
