"""Very many spots in a real window: a Points layer as any, drawn as a picture."""

from __future__ import annotations

import gc
from weakref import ref

import numpy as np
import pytest

from napari_trsmi import add_domains
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.many import visual


@pytest.fixture
def shown(make_napari_viewer, make_result, monkeypatch):
    monkeypatch.setattr(visual, "MANY", 10)
    viewer = make_napari_viewer(show=True)
    layer = add_domains(viewer, make_result(image_scale=None))
    viewer.reset_view()
    viewer.screenshot(flash=False)
    return viewer, layer, viewer.window._qt_viewer.canvas.layer_to_visual[layer]


def colors_on(viewer) -> set[tuple[int, ...]]:
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    found, counts = np.unique(shot.reshape(-1, 3), axis=0, return_counts=True)
    return {tuple(map(int, color)) for color, n in zip(found, counts, strict=True) if n > 50}


def rgb(color: str) -> tuple[int, ...]:
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))


def test_it_is_a_picture_in_the_domains_colours(shown):
    viewer, layer, drawn = shown
    assert drawn.picture is not None
    assert not drawn.node.points_markers.visible
    edits = domain_layer(layer).edits
    assert {rgb(color) for color in edits.colors.values()} <= colors_on(viewer)


def test_few_layers_and_those_of_others_are_drawn_as_napari_does(shown, make_result, monkeypatch):
    viewer, *_ = shown
    others = viewer.add_points(np.random.default_rng(0).uniform(size=(100, 2)))
    canvas = viewer.window._qt_viewer.canvas
    assert not hasattr(canvas.layer_to_visual[others], "picture")
    monkeypatch.setattr(visual, "MANY", 10_000)
    few = add_domains(viewer, make_result())
    assert not hasattr(canvas.layer_to_visual[few], "picture")


def test_what_is_recoloured_hidden_and_selected_is_seen(shown):
    viewer, layer, _ = shown
    domains = domain_layer(layer)
    first, second, *_ = domains.edits.names
    domains.edits.recolor(first, "#123456")
    assert rgb("#123456") in colors_on(viewer)
    domains.edits.set_visible([first], False)
    assert rgb("#123456") not in colors_on(viewer)
    domains.edits.show_all()
    before = colors_on(viewer)
    assert rgb(domains.edits.colors[second]) in before
    domains.select([second])
    assert rgb(domains.edits.colors[second]) not in colors_on(viewer)
    domains.select([])
    assert colors_on(viewer) == before


def test_a_selection_is_told_once_and_is_napari_s_own(shown):
    _, layer, _ = shown
    domains, told = domain_layer(layer), []
    layer.selected_data.events.items_changed.connect(lambda *given: told.append(given))
    first, second, *_ = domains.edits.names
    domains.select([first])
    assert len(told) == 1
    assert set(layer.selected_data) == set(domains.edits.members([first]).tolist())
    domains.select([second])
    assert domains.selected().tolist() == domains.edits.members([second]).tolist()
    layer.selected_data = {3}
    layer.selected_data.add(5)
    layer.selected_data.toggle(3)
    assert domains.selected().tolist() == [5]
    assert layer.selected_data._data.keys() == {5}


def test_a_spot_is_found_under_the_pointer(shown):
    _, layer, _ = shown
    for spot in (0, 7, len(layer.data) - 1):
        assert layer.get_value(layer.data[spot]) == spot
    assert layer.get_value(layer.data.max(axis=0) + 1e4) is None


def test_from_near_spots_are_drawn_singly(shown):
    viewer, layer, drawn = shown
    middle = layer.data[len(layer.data) // 2]
    spots = len(layer.data)
    viewer.scene.camera.center = (0, *middle)
    viewer.scene.camera.zoom *= spots  # a few spots across
    viewer.screenshot(canvas_only=True, flash=False)
    assert drawn.node.points_markers.visible
    assert 0 < len(drawn.node.points_markers._data) <= 10
    viewer.scene.camera.zoom /= spots
    viewer.screenshot(canvas_only=True, flash=False)
    assert not drawn.node.points_markers.visible


def test_a_layer_in_three_dimensions_is_drawn_as_any(shown):
    viewer, layer, drawn = shown
    viewer.dims.ndisplay = 3
    assert not drawn.picture.visible
    assert drawn.node.points_markers.visible
    assert len(drawn.node.points_markers._data) == len(layer.data)
    viewer.dims.ndisplay = 2
    assert drawn.picture.visible


def test_points_of_another_size_are_drawn_anew(shown):
    _, layer, drawn = shown
    before = drawn.raster
    domain_layer(layer).enlarge(3)
    assert drawn.raster is not before
    after = drawn.raster
    domain_layer(layer).edits.recolor(domain_layer(layer).edits.names[0], "#00ff00")
    assert drawn.raster is after


def test_a_layer_that_is_gone_is_let_go_of(make_napari_viewer, make_result, monkeypatch):
    monkeypatch.setattr(visual, "MANY", 10)
    viewer = make_napari_viewer(show=True)
    layer = add_domains(viewer, make_result(image_scale=None))
    drawn = ref(viewer.window._qt_viewer.canvas.layer_to_visual[layer])
    assert drawn().raster is not None
    viewer.layers.clear()
    del layer
    gc.collect()
    assert drawn() is None
