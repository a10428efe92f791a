import numpy as np
from napari.layers import Image, Points

from napari_trsmi.viewer.plane import Plane


def test_many_points_go_where_napari_takes_each():
    layer = Image(
        np.zeros((3, 40, 50)),
        scale=(1, 2, 0.5),
        translate=(9, 4, -3),
        rotate=[[1, 0, 0], [0, 0, -1], [0, 1, 0]],
        affine=[[1, 0, 0, 0], [0, 2, 1, 5], [0, 0, 3, 1], [0, 0, 0, 1]],
    )
    plane = Plane.of(layer)
    places = np.random.default_rng(0).uniform(0, 40, (6, 2))
    expected = [layer.data_to_world((0, *place))[1:] for place in places]
    np.testing.assert_allclose(plane.to_world(places), expected)
    np.testing.assert_allclose(plane.to_data(plane.to_world(places)), places)


def test_magnification_is_that_of_areas():
    layer = Points([[0.0, 0.0]], scale=(2, 2), affine=[[0, -4, 1], [1, 0, 1], [0, 0, 1]])
    np.testing.assert_allclose(Plane.of(layer).magnification, 4)
