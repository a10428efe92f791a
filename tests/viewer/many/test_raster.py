"""Which spot each pixel belongs to."""

from __future__ import annotations

import numpy as np
import pytest

from napari_trsmi.viewer.many.raster import SpotRaster


def lattice(height: int, width: int, pitch: float = 10.0) -> np.ndarray:
    rows, columns = np.divmod(np.arange(height * width), width)
    return np.column_stack([rows, columns]) * pitch


def test_a_lattice_is_covered_without_gaps_or_stripes():
    places = lattice(30, 40)
    raster = SpotRaster.of(places, np.full(len(places), 8.0))
    seen = np.bincount(raster.spot.ravel(), minlength=len(places) + 1)
    assert set(seen[:-1]) == {4}  # two pixels by two, every spot
    rows, columns = np.nonzero(raster.spot < len(places))
    inner = raster.spot[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert (inner < len(places)).all()


@pytest.mark.parametrize("turned", [False, True])
def test_every_spot_is_found_at_its_place(turned):
    places = lattice(20, 25)
    if turned:
        c, s = np.cos(0.3), np.sin(0.3)
        places = places @ np.array([[c, -s], [s, c]]) - 400
    raster = SpotRaster.of(places, np.full(len(places), 8.0))
    assert [raster.at(*place) for place in places] == list(range(len(places)))
    assert raster.at(*(places.min(axis=0) - 100)) is None
    assert raster.at(*(places.max(axis=0) + 1e6)) is None


def test_of_spots_over_each_other_the_last_is_seen():
    places = np.array([[0.0, 0.0], [0.0, 8.0], [0.0, 50.0], [0.0, 58.0]])
    raster = SpotRaster.of(places, np.full(4, 16.0))
    assert [raster.at(0, column) for column in (-6, 1, 12, 51, 62)] == [0, 1, 1, 3, 3]


def test_one_place_alone_can_be_drawn():
    raster = SpotRaster.of(np.zeros((3, 2)), np.ones(3))
    assert raster.at(0, 0) == 2


def test_pixels_have_their_spots_colours_and_are_clear_elsewhere():
    places = lattice(2, 2, pitch=100.0)
    raster = SpotRaster.of(places, np.full(4, 10.0))
    colors = np.array([[1, 2, 3, 255], [4, 5, 6, 255], [7, 8, 9, 0], [9, 9, 9, 128]], np.uint8)
    pixels = raster.painted(colors)
    assert pixels.shape == (*raster.spot.shape, 4)
    for spot, color in enumerate(colors):
        assert (pixels[raster.spot == spot] == color).all()
    assert not pixels[raster.spot == 4].any()
