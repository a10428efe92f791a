from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_trsmi import add_domains
from napari_trsmi.errors import InputError
from napari_trsmi.spots.boundaries import domain_boundaries
from napari_trsmi.viewer.domains.boundaries import add_boundaries


def test_one_layer_in_register_with_the_points(make_result):
    viewer = ViewerModel()
    result = make_result(image_scale=0.5)
    tissue = viewer.add_image(
        result.image.pixels,
        rgb=True,
        scale=(0.65, 0.65),
        rotate=30,
        affine=[[0, -2, 40], [2, 0, 10], [0, 0, 1]],
        units=("um", "um"),
        axis_labels=("row", "column"),
    )
    points = add_domains(viewer, result, image=tissue)
    lines = add_boundaries(viewer, points)
    assert list(viewer.layers) == [tissue, points, lines]
    assert lines.name == "Boundaries of TRSMI domains"
    for place in ((0, 0), (30, 70)):
        np.testing.assert_allclose(lines.data_to_world(place), points.data_to_world(place))
    assert lines.units == points.units
    assert lines.axis_labels == points.axis_labels
    assert viewer.layers.selection.active is points


def test_lines_run_between_the_stripes(make_result):
    viewer = ViewerModel()
    points = add_domains(viewer, make_result(n_domains=3, image_scale=None))  # spots 10 apart
    layer = add_boundaries(viewer, points, width=2)
    assert set(layer.features["domains"]) == {"1 | 2", "2 | 3"}
    for name, column in (("1 | 2", 55), ("2 | 3", 95)):
        lines = layer.data[(layer.features["domains"] == name).to_numpy()]
        ends = np.concatenate([lines[:, 0], lines.sum(axis=1)])
        np.testing.assert_allclose(ends[:, 1], column, atol=1e-6)
        # from the first row of spots to the last, and out to the section's rim
        assert ends[:, 0].min() < 20
        assert ends[:, 0].max() > 60


def test_width_and_colour_can_be_chosen(make_result):
    viewer = ViewerModel()
    points = add_domains(viewer, make_result(image_scale=None))
    usual = add_boundaries(viewer, points)
    chosen = add_boundaries(viewer, points, width=3, color="#ff8000", name="rims")
    assert 1 < usual.edge_width < 3
    np.testing.assert_allclose(usual.edge_color[0], [1, 1, 1, 1])  # on a dark canvas
    np.testing.assert_allclose(chosen.edge_color[0], [1, 128 / 255, 0, 1], atol=1e-3)
    assert (chosen.edge_width, chosen.name) == (3, "rims")


def test_edited_domains_have_boundaries_as_they_are(make_result):
    from napari_trsmi.viewer.attached import attached

    viewer = ViewerModel()
    result = make_result(n_domains=3, image_scale=None)
    points = add_domains(viewer, result)
    merged = replace(result, domains=result.domains.cat.rename_categories({"1": "rest"}))
    points.metadata = attached(result=merged)
    assert set(add_boundaries(viewer, points).features["domains"]) == {"rest | 2", "2 | 3"}


def test_boundaries_can_be_found_beforehand(make_result):
    viewer = ViewerModel()
    result = make_result(image_scale=None)
    points = add_domains(viewer, result)
    found = domain_boundaries(result.coordinates, result.domains)
    given, own = add_boundaries(viewer, points, boundaries=found), add_boundaries(viewer, points)
    np.testing.assert_array_equal(given.data, own.data)


def test_one_domain_has_an_empty_layer(make_result):
    viewer = ViewerModel()
    points = add_domains(viewer, make_result(n_domains=1, image_scale=None))
    assert len(add_boundaries(viewer, points).data) == 0


def test_a_layer_that_is_in_no_viewer_will_do(make_result):
    points = add_domains(ViewerModel(), make_result(image_scale=None))
    other = ViewerModel()
    lines = add_boundaries(other, points)
    assert list(other.layers) == [lines]


def test_a_layer_without_domains_is_refused(make_result):
    viewer = ViewerModel()
    points = viewer.add_points([[1, 2]], name="nuclei")
    with pytest.raises(InputError, match="'nuclei' shows no domains"):
        add_boundaries(viewer, points)
    with pytest.raises(InputError, match="width is 0"):
        add_boundaries(viewer, add_domains(viewer, make_result()), width=0)


@pytest.mark.usefixtures("real_window")
def test_boundaries_are_drawn_between_the_spots(make_napari_viewer, make_result):
    viewer = make_napari_viewer(show=True)
    result = make_result(n_domains=2, image_scale=None)
    points = add_domains(viewer, result)
    add_boundaries(viewer, points, width=3, color="#ff0000")
    viewer.reset_view()
    viewer.screenshot(flash=False)
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    camera = viewer.scene.camera

    def drawn(x, y):
        from_centre = camera.zoom * (np.array([y, x]) - np.array(camera.center[-2:]))
        return shot[tuple(np.rint(np.array(shot.shape[:2]) / 2 + from_centre).astype(int))]

    for y in (20, 35, 60):  # the stripes meet at x = 75
        np.testing.assert_allclose(drawn(75, y), [255, 0, 0], atol=3)
        assert not np.allclose(drawn(65, y), [255, 0, 0], atol=100)
