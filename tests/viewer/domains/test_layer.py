"""A layer follows its model; what is drawn is looked at in a real window."""

from __future__ import annotations

import gc
import weakref
from copy import deepcopy

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.colormaps.standardize_color import transform_color

from napari_trsmi import add_domains
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import result_of
from napari_trsmi.viewer.domains.coloring import by_confidence
from napari_trsmi.viewer.domains.layer import domain_layer, shows_domains


@pytest.fixture
def points(make_result):
    return add_domains(ViewerModel(), make_result(n_domains=4))


def assert_in_step(points):
    """The layer shows what its model says."""
    edits = domain_layer(points).edits
    assert points.features["domain"].tolist() == list(edits.domains)
    assert points.features["domain"].dtype == "category"
    expected = transform_color([edits.colors[name] for name in edits.domains])
    expected[:, 3] = edits.shown
    np.testing.assert_allclose(points.face_color, expected, atol=1e-6)
    np.testing.assert_array_equal(points.shown, edits.shown)
    assert points.metadata["trsmi_domain_colors"] == edits.colors
    assert result_of(points) is edits.result()


def test_a_layer_follows_every_edit(points):
    edits = domain_layer(points).edits
    assert_in_step(points)
    for edit in (
        lambda: edits.rename("2", "white matter"),
        lambda: edits.recolor("white matter", "#123456"),
        lambda: edits.merge(["1", "3"]),
        lambda: edits.set_visible(["white matter"], False),
        edits.undo,
        edits.undo,
        edits.redo,
        edits.show_all,
        edits.undo,
        edits.undo,
    ):
        edit()
        assert_in_step(points)
    assert edits.names == ("1", "2", "3", "4")


def test_others_hear_that_features_changed(points):
    heard = []
    points.events.features.connect(lambda: heard.append("features"))
    domain_layer(points).edits.rename("1", "x")
    assert heard == ["features"]


def test_a_copied_layer_goes_on_from_where_it_was_copied(points):
    edits = domain_layer(points).edits
    edits.rename("1", "white matter")
    edits.set_visible(["2"], False)
    copied = Layer.create(*deepcopy(points.as_layer_data_tuple()))
    other = domain_layer(copied).edits
    assert other.names == edits.names
    assert [name for name in other.names if not other.is_visible(name)] == ["2"]
    other.show_all()
    assert_in_step(copied)
    assert_in_step(points)
    assert not edits.is_visible("2")


def test_one_model_for_a_layer_however_often_it_is_asked_for(points):
    model = domain_layer(points)
    model.edits.rename("1", "x")
    assert domain_layer(points) is model


def test_a_layer_that_gets_another_run_gets_another_model(points, make_result):
    model = domain_layer(points)
    points.metadata["trsmi_result"] = make_result(n_domains=2)
    assert domain_layer(points) is not model
    assert domain_layer(points).edits.names == ("1", "2")


def test_colours_by_number_stay_through_edits_and_back_to_domains_restores_them(points):
    model = domain_layer(points)
    told = []
    model.coloring_changed.connect(lambda: told.append(model.coloring))
    coloring = by_confidence(model.edits.result())
    model.color_by(coloring)
    model.edits.recolor("1", "#ff0000")
    np.testing.assert_allclose(points.face_color, coloring.colors(), atol=1e-6)
    model.color_by(None)
    assert told == [coloring, None]
    assert_in_step(points)


def test_selecting_domains_and_telling_what_is_selected(points):
    model = domain_layer(points)
    model.select(["2", "4"])
    expected = np.flatnonzero(np.isin(points.features["domain"].astype(str), ["2", "4"]))
    np.testing.assert_array_equal(model.selected(), expected)
    assert model.selected_counts() == {"2": 15, "4": 15}
    points.selected_data = {0, 1, 2, 3}  # the columns 0 to 2 are of the first domain
    assert model.selected_counts() == {"1": 3, "2": 1}
    model.edits.set_visible(["1"], False)
    model.select(["1", "2"])
    assert model.selected_counts() == {"2": 15}
    model.select([])
    assert model.selected_counts() == {}


def test_points_that_were_deleted_are_told_and_nothing_breaks(points):
    model = domain_layer(points)
    points.data = points.data[:58]
    points.selected_data = {57}
    reason = r"58 points, its run 60 spots.*add the domains again"
    assert model.selected_counts()
    model.edits.rename("1", "x")
    model.edits.solo(["2"])
    assert points.shown.all()
    with pytest.raises(InputError, match=reason):
        model.color_by(None)
    with pytest.raises(InputError, match=reason):
        model.select(["2"])
    with pytest.raises(InputError, match=reason):
        domain_layer(points)


def test_spots_cannot_be_deleted_moved_or_added_to(points):
    model = domain_layer(points)
    places, sizes = np.array(points.data), np.array(points.size)
    colors = np.array(points.face_color)
    points.selected_data = {0, 59}
    points.remove_selected()
    points.remove([7])
    assert len(points.data) == 60
    np.testing.assert_array_equal(np.flatnonzero(~points.shown), [0, 7, 59])
    assert not points.selected_data
    assert not points.face_color[[0, 7, 59], 3].any()
    points.add([[3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_array_equal(points.data, places)
    with points.events.data.blocker():
        points._set_drag_start({1, 2}, [0, 0])
        points._move({1, 2}, [30, 40])
    points._move({1, 2}, [50, 60])  # as the mouse is released
    np.testing.assert_array_equal(points.data, places)
    np.testing.assert_array_equal(model.edits.result().coordinates[:, ::-1], places)
    model.edits.show_all()
    assert points.shown.all()
    np.testing.assert_array_equal(points.face_color, colors)
    np.testing.assert_array_equal(points.size, sizes)


def test_a_copy_of_a_layer_hides_what_is_hidden_one_by_one(points):
    domain_layer(points).edits.hide_spots(np.array([3, 4]))
    copy = Layer.create(*points.as_layer_data_tuple())
    assert np.flatnonzero(~domain_layer(copy).edits.shown).tolist() == [3, 4]


def test_spots_are_drawn_as_dots_rings_or_not_themselves(points):
    model = domain_layer(points)
    model.edits.set_visible(["2"], False)
    dots = np.array(points.face_color)
    model.draw_as("rings")
    assert not points.face_color[:, 3].any()
    np.testing.assert_array_equal(points.border_color, dots)
    assert points.border_width.all()
    model.draw_as("areas")
    assert not points.face_color[:, 3].any()
    assert not points.border_width.any()
    model.draw_as("dots")
    np.testing.assert_array_equal(points.face_color, dots)
    sizes = np.array(points.size)
    model.enlarge(0.5)
    np.testing.assert_allclose(points.size, sizes / 2)
    assert model.enlarged == 0.5


def test_layers_without_a_run_are_refused():
    viewer = ViewerModel()
    points = viewer.add_points([[0, 0]], name="plain")
    assert not shows_domains(points)
    assert not shows_domains(viewer.add_image(np.zeros((4, 4))))
    with pytest.raises(InputError, match="'plain' shows no run"):
        domain_layer(points)


def test_a_removed_layer_is_not_kept_alive(make_result):
    points = Layer.create(*add_domains(ViewerModel(), make_result()).as_layer_data_tuple())
    model = domain_layer(points)
    assert shows_domains(points)
    gone = weakref.ref(points)
    del points
    gc.collect()
    assert gone() is None
    assert not model.is_current()
    with pytest.raises(InputError, match="is gone"):
        _ = model.layer


def test_hovering_says_what_a_spot_is(points):
    domain_layer(points).edits.rename("1", "white matter")
    status = points.get_status(points.data_to_world(points.data[0]), world=True)["coordinates"]
    assert "spot: spot_0, domain: white matter, confidence: 0." in status
    assert "weight_rna: 0." in status


def pixels_at(viewer, points, spots):
    """The colours on the canvas at some spots."""
    viewer.screenshot(flash=False)
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    camera = viewer.scene.camera
    found = []
    for spot in spots:
        world = np.array(points.data_to_world(points.data[spot]))
        from_centre = camera.zoom * (world - np.array(camera.center[-2:]))
        row, column = np.rint(np.array(shot.shape[:2]) / 2 + from_centre).astype(int)
        found.append(shot[row, column])
    return np.array(found)


@pytest.mark.usefixtures("real_window")
def test_what_is_drawn_follows_the_edits(make_napari_viewer, make_result):
    result = make_result(image_scale=None, n_domains=4)
    viewer = make_napari_viewer(show=True)
    points = add_domains(viewer, result)
    viewer.reset_view()
    model = domain_layer(points)
    edits = model.edits
    spots = np.arange(0, 60, 7)

    def expected():
        return 255 * transform_color([edits.colors[edits.domains[spot]] for spot in spots])[:, :3]

    np.testing.assert_allclose(pixels_at(viewer, points, spots), expected(), atol=3)
    edits.recolor("1", "#ff0000")
    edits.merge(["2", "3"])
    assert (expected() == (255, 0, 0)).all(axis=1).any()
    np.testing.assert_allclose(pixels_at(viewer, points, spots), expected(), atol=3)
    edits.undo()
    np.testing.assert_allclose(pixels_at(viewer, points, spots), expected(), atol=3)
    model.color_by(by_confidence(result))
    by_number = 255 * model.coloring.colors()[spots, :3]
    np.testing.assert_allclose(pixels_at(viewer, points, spots), by_number, atol=3)
    model.color_by(None)
    edits.set_visible(["1"], False)
    drawn = pixels_at(viewer, points, spots)
    hidden = np.array([edits.domains[spot] == "1" for spot in spots])
    assert hidden.any()
    background = drawn[hidden][0]
    assert (drawn[hidden] == background).all()
    assert background.max() < 60  # the dark canvas
    np.testing.assert_allclose(drawn[~hidden], expected()[~hidden], atol=3)
