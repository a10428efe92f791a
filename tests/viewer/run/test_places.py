"""Spots through the world into the pixels of the image that is chosen."""

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points

from napari_trsmi import add_domains
from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.viewer.run.places import places_of_points, places_of_tables
from napari_trsmi.viewer.section.layers import spots_data

GEOMETRY = {"scale": (0.65, 0.65), "translate": (7, -3), "rotate": 30}
NAMES = pd.Index([f"s{i}" for i in range(4)])
XY = np.array([[10.0, 20.0], [30.0, 20.0], [10.0, 40.0], [35.0, 50.0]])


def test_points_become_pixels_of_a_transformed_image(make_result):
    image = Image(np.zeros((80, 90)), affine=[[0, -2, 40], [2, 0, 10], [0, 0, 1]], **GEOMETRY)
    world = np.array([image.data_to_world(xy[::-1]) for xy in XY])
    points = Points(world, size=5.2)
    places = places_of_points(points, NAMES, image)
    np.testing.assert_allclose(places.coordinates, XY)
    np.testing.assert_allclose(places.world, world)
    np.testing.assert_allclose(places.diameter, 5.2 / (0.65 * 2))
    assert places.tissue is None


def test_without_an_image_the_world_is_the_unit():
    points = Points(XY[:, ::-1], scale=(3, 3), translate=(1, 2), size=4)
    places = places_of_points(points, NAMES, None)
    np.testing.assert_allclose(places.coordinates, 3 * XY + [2, 1])
    np.testing.assert_allclose([places.diameter, places.world_diameter], 12)


@pytest.mark.parametrize("magnified", [1, 2])
def test_tables_keep_their_own_coordinates_where_the_layer_shows_them(make_result, magnified):
    result = make_result(image_scale=0.5)
    pixels = np.repeat(np.repeat(result.image.pixels, magnified, 0), magnified, 1)
    image = Image(pixels, rgb=True, **GEOMETRY)
    viewer = ViewerModel()
    viewer.add_layer(image)
    points = add_domains(viewer, result, image=image)
    places = places_of_points(
        points,
        result.domains.index,
        image,
        coordinates=result.coordinates,
        diameter=result.spot_diameter,
        tissue=result.image,
    )
    assert places.coordinates is result.coordinates
    assert places.diameter == result.spot_diameter
    assert places.tissue is result.image
    np.testing.assert_allclose(places.world_diameter, 8 * 0.5 * magnified * 0.65)


def test_points_that_were_moved_count_where_they_are(make_dataset):
    dataset = make_dataset()
    data, arguments, _ = spots_data(dataset, "spots")
    points = Points(data, **{**arguments, "translate": (100, 0)})
    tissue = TissueImage(np.zeros((9, 9, 3), dtype=np.uint8))
    places = places_of_points(
        points, dataset.spots, None, coordinates=dataset.coordinates, tissue=tissue
    )
    np.testing.assert_allclose(places.coordinates, dataset.coordinates + np.array([0, 100]))
    assert places.tissue is None


def test_another_picture_takes_the_place_of_the_tables_own(make_result):
    result = make_result(image_scale=0.5)
    points = add_domains(ViewerModel(), result)
    other = Image(np.zeros((300, 90)), scale=(2, 2))
    places = places_of_points(
        points, result.domains.index, other, coordinates=result.coordinates, tissue=result.image
    )
    np.testing.assert_allclose(places.coordinates, result.coordinates / 2)
    assert places.tissue is None


@pytest.mark.parametrize("scale", [None, 0.5])
def test_tables_alone_lie_on_the_image_as_their_domains_will(make_result, scale):
    result = make_result(image_scale=scale)
    image = Image(np.zeros((60, 80)), **GEOMETRY)
    viewer = ViewerModel()
    viewer.add_layer(image)
    points = add_domains(viewer, result, image=image)
    places = places_of_tables(
        result.coordinates,
        result.domains.index,
        image,
        diameter=result.spot_diameter,
        tissue=result.image,
    )
    expected = [points.data_to_world(place) for place in points.data]
    np.testing.assert_allclose(places.world, expected)
    np.testing.assert_allclose(places.world_diameter, points.size[0] * points.scale[0])


def test_without_image_and_diameter_the_pitch_stands_in():
    places = places_of_tables(XY, NAMES, None, diameter=None, tissue=None)
    np.testing.assert_allclose(places.world, XY[:, ::-1])
    assert places.world_diameter == 20
    assert places.diameter is None
