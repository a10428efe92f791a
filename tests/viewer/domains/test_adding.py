"""A result in napari: geometry by napari's own transforms, colours by a real window's pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from napari.layers.points._points_constants import Symbol
from napari.utils.colormaps.standardize_color import transform_color

from napari_trsmi import add_domains
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.domains.adding import iter_add_domains

SPOT = 17


def _world(layer, position):
    return np.array(layer.data_to_world(position))


def test_one_points_layer_over_the_results_own_image(make_result):
    result = make_result(image_scale=0.5)
    viewer = ViewerModel()
    points = add_domains(viewer, result)
    tissue, top = viewer.layers
    assert top is points
    np.testing.assert_array_equal(tissue.data, result.image.pixels)
    x, y = result.coordinates[SPOT]
    np.testing.assert_allclose(_world(points, points.data[SPOT]), (y, x))
    np.testing.assert_allclose(_world(tissue, (y * 0.5, x * 0.5)), (y, x))
    np.testing.assert_allclose(points.size, result.spot_diameter)


def test_without_an_image_only_points_are_added(make_result):
    viewer = ViewerModel()
    points = add_domains(viewer, make_result(image_scale=None))
    assert list(viewer.layers) == [points]


def test_unknown_diameter_is_the_spots_pitch(make_result):
    points = add_domains(ViewerModel(), make_result(spot_diameter=None))
    assert set(points.symbol) == {Symbol.DISC}
    bins = replace(make_result(spot_diameter=10.0), square_spots=True)
    assert set(add_domains(ViewerModel(), bins).symbol) == {Symbol.SQUARE}
    np.testing.assert_allclose(points.size, 10)


@pytest.mark.parametrize("n_domains", [3, 24])
def test_colours_follow_the_categories(make_result, n_domains):
    result = make_result(n_spots=12 * 24, n_domains=3)
    if n_domains == 24:  # many, and in an order that is neither that of text nor of appearance
        categories = [str(number) for number in range(24, 0, -1)]
        codes = np.random.default_rng(1).integers(24, size=12 * 24)
        domains = pd.Series(
            pd.Categorical.from_codes(codes, categories), index=result.domains.index
        )
        result = type(result)(**{**result.__dict__, "domains": domains})
    points = add_domains(ViewerModel(), result)
    assert points.face_color_mode == "cycle"
    expected = transform_color([result.colors[domain] for domain in result.domains])
    np.testing.assert_allclose(points.face_color, expected, atol=1e-6)
    assert points.metadata["trsmi_domain_colors"] == result.colors


def test_features_say_what_a_spot_is(make_result):
    result = make_result()
    features = add_domains(ViewerModel(), result).features
    assert list(features) == ["spot", "domain", "confidence", "weight_rna", "weight_protein"]
    row = features.iloc[SPOT]
    assert row["spot"] == f"spot_{SPOT}"
    assert row["domain"] == result.domains.iloc[SPOT]
    assert row["confidence"] == result.confidence.iloc[SPOT]
    assert row["weight_protein"] == result.modality_weights["protein"].iloc[SPOT]


def test_two_runs_are_two_layers(make_result):
    viewer = ViewerModel()
    first = add_domains(viewer, make_result(image_scale=None))
    second = add_domains(viewer, make_result(image_scale=None, seed=1))
    assert list(viewer.layers) == [first, second]
    assert first.name != second.name


@pytest.mark.parametrize("magnified", [1, 3])
def test_points_follow_the_layer_that_they_belong_to(make_result, magnified):
    result = make_result(image_scale=0.5)
    viewer = ViewerModel()
    pixels = np.repeat(np.repeat(result.image.pixels, magnified, axis=0), magnified, axis=1)
    tissue = viewer.add_image(
        pixels,
        rgb=True,
        scale=(0.65, 0.65),
        translate=(7, -3),
        rotate=30,
        affine=[[0, -2, 40], [2, 0, 10], [0, 0, 1]],
        units=("um", "um"),
        axis_labels=("row", "column"),
    )
    points = add_domains(viewer, result, image=tissue)
    x, y = result.coordinates[SPOT]
    pixel = np.array([y, x]) * 0.5 * magnified
    np.testing.assert_allclose(_world(points, points.data[SPOT]), _world(tissue, pixel))
    assert points.units == tissue.units
    assert points.axis_labels == tissue.axis_labels
    assert len(viewer.layers) == 2
    # What napari draws is size x scale, whatever the affine; a spot is 8 coordinate units wide.
    on_screen = points.size[0] * points.scale[-1]
    np.testing.assert_allclose(on_screen, 8 * 0.5 * magnified * 0.65 * 2)


def test_multiscale_images_count_by_their_full_resolution(make_result):
    result = make_result(image_scale=0.5)
    viewer = ViewerModel()
    pixels = result.image.pixels
    tissue = viewer.add_image([pixels, pixels[::2, ::2]], rgb=True, multiscale=True)
    points = add_domains(viewer, result, image=tissue)
    np.testing.assert_allclose(points.scale, 0.5)


def test_a_result_without_image_takes_coordinates_for_pixels(make_result):
    viewer = ViewerModel()
    tissue = viewer.add_image(np.zeros((50, 50)), scale=(2, 2))
    points = add_domains(viewer, make_result(image_scale=None), image=tissue)
    np.testing.assert_allclose(points.scale, 2)


def test_images_of_something_else_are_refused(make_result):
    viewer = ViewerModel()
    square = viewer.add_image(np.zeros((90, 90)), name="square")
    stack = viewer.add_image(np.zeros((4, 60, 80)), name="stack")
    with pytest.raises(InputError, match=r"'square' has the shape \(90, 90\).*\(60, 80\)"):
        add_domains(viewer, make_result(), image=square)
    with pytest.raises(InputError, match="'stack' has 3 dimensions"):
        add_domains(viewer, make_result(), image=stack)
    assert len(viewer.layers) == 2


@pytest.mark.usefixtures("real_window")
@pytest.mark.parametrize("affine", [np.eye(3), np.diag([4.0, 4.0, 1.0])], ids=["plain", "affine"])
def test_spots_are_drawn_where_they_are_in_their_colour(make_napari_viewer, make_result, affine):
    result = make_result(image_scale=0.5)
    viewer = make_napari_viewer(show=True)
    tissue = viewer.add_image(result.image.pixels, rgb=True, affine=affine)
    points = add_domains(viewer, result, image=tissue)
    assert 0.4 < points.opacity < 0.8  # the stain is seen through
    points.opacity = 1
    viewer.reset_view()
    viewer.screenshot(flash=False)
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    camera = viewer.scene.camera
    edge = 0.5 * 0.5 * result.spot_diameter * affine[0, 0]
    for (x, y), domain in zip(result.coordinates, result.domains, strict=True):
        world = np.array([y, x]) * 0.5 * affine[0, 0]
        color = 255 * transform_color(result.colors[domain])[0, :3]
        for offset in ([0, 0], [0, 0.8 * edge], [-0.8 * edge, 0]):
            from_centre = camera.zoom * (world + offset - np.array(camera.center[-2:]))
            row, column = np.rint(np.array(shot.shape[:2]) / 2 + from_centre).astype(int)
            np.testing.assert_allclose(shot[row, column], color, atol=3)


# -- step by step --------------------------------------------------------------


def drain(steps):
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, count
        count += 1


def test_in_the_end_it_is_what_add_domains_adds(make_result, make_dataset):
    result, dataset = make_result(), make_dataset()
    at_once, in_steps = ViewerModel(), ViewerModel()
    expected = add_domains(at_once, result, dataset=dataset)
    layer, count = drain(iter_add_domains(in_steps, result, dataset=dataset))
    assert count == 3
    assert [one.name for one in in_steps.layers] == [one.name for one in at_once.layers]
    assert layer is in_steps.layers[-1]
    assert layer.visible
    np.testing.assert_array_equal(layer.data, expected.data)
    np.testing.assert_array_equal(layer.face_color, expected.face_color)
    assert layer.metadata.keys() == expected.metadata.keys()


def test_nothing_is_added_for_an_image_of_something_else(make_result):
    viewer = ViewerModel()
    stack = Image(np.zeros((4, 60, 80)))
    with pytest.raises(InputError, match="3 dimensions"):
        drain(iter_add_domains(viewer, make_result(), stack))
    assert len(viewer.layers) == 0


def test_the_points_are_not_drawn_before_their_controls_are_there(make_result):
    viewer = ViewerModel()
    seen = []
    for _ in iter_add_domains(viewer, make_result()):
        seen += [layer.visible for layer in viewer.layers if layer.name == "TRSMI domains"]
    assert seen == [False]
    assert viewer.layers["TRSMI domains"].visible
