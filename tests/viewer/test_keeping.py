"""Layers are looked after from the first spots on: pictures lie below them, points stay."""

import numpy as np
from napari.components import ViewerModel

from napari_trsmi import add_domains
from napari_trsmi.viewer.keeping import keep
from napari_trsmi.viewer.section.layers import spots_data


def test_a_picture_that_comes_after_the_spots_lies_below_them(make_dataset):
    viewer = ViewerModel()
    keep(viewer)
    keep(viewer)
    data, arguments, _ = spots_data(make_dataset(), "spots")
    viewer.add_points(data, **arguments)
    viewer.add_image(np.zeros((40, 40, 3), dtype=np.uint8), rgb=True, name="tissue")
    viewer.add_image(np.zeros((5, 40, 40)), name="stack")
    viewer.add_image(np.zeros((40, 40)), name="DAPI")
    assert [layer.name for layer in viewer.layers] == ["tissue", "DAPI", "spots", "stack"]


def test_without_spots_pictures_stay_in_order():
    viewer = ViewerModel()
    keep(viewer)
    for name in ("one", "two"):
        viewer.add_image(np.zeros((40, 40)), name=name)
    assert [layer.name for layer in viewer.layers] == ["one", "two"]


def test_results_that_come_by_any_way_keep_their_points(make_result):
    viewer, other = ViewerModel(), ViewerModel()
    points = add_domains(viewer, make_result(image_scale=None))
    copied = other.add_layer(points.__class__.create(*points.as_layer_data_tuple()))
    keep(other)
    copied.selected_data = {3}
    copied.remove_selected()
    assert len(copied.data) == 60
    assert np.flatnonzero(~copied.shown).tolist() == [3]
