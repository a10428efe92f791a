"""Areas from QuPath as shapes over the spots, and spots in them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from napari_trsmi.data.reading.geojson import read_geojson
from napari_trsmi.errors import InputError
from napari_trsmi.output.geojson import write_geojson
from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.viewer.domains.drawn import regions_of_spots, select_inside
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.section import drawn_areas
from napari_trsmi.viewer.section.drawn_areas import areas_data
from napari_trsmi.viewer.section.reading import get_reader


@pytest.fixture
def domains(make_result):
    viewer = ViewerModel()
    points = add_domains(viewer, make_result(n_domains=3))
    points.scale = (0.5, 0.5)  # the areas have to follow
    return viewer, domain_layer(points)


def test_domains_written_for_qupath_hold_their_spots_when_they_come_back(domains, tmp_path):
    viewer, shown = domains
    result = shown.edits.result()
    path = write_geojson(result, tmp_path / "domains.geojson")
    shapes = viewer.add_layer(Layer.create(*areas_data(path, viewer)))
    np.testing.assert_allclose(shapes.scale, (0.5, 0.5))
    assert len(shapes.data) == len(read_geojson(path))
    found = regions_of_spots(shapes, shown)
    assert list(found.astype(str)) == list(result.domains.astype(str))
    shown.edits.rename("2", "other")
    select_inside(shapes, shown)
    assert len(shown.selected()) == 60


def test_a_hole_is_not_inside(domains, tmp_path):
    viewer, shown = domains
    ring = [[0, 0], [200, 0], [200, 200], [0, 200], [0, 0]]
    hole = [[15, 15], [15, 45], [55, 45], [55, 15], [15, 15]]
    second = [[75, 15], [75, 45], [95, 45], [95, 15], [75, 15]]
    geometry = {"type": "Polygon", "coordinates": [ring, hole, second]}
    path = tmp_path / "ring.geojson"
    path.write_text(json.dumps({"type": "Feature", "geometry": geometry, "properties": {}}))
    shapes = viewer.add_layer(Layer.create(*areas_data(path, viewer)))
    x, y = shown.edits.result().coordinates.T
    out = ((x > 15) & (x < 55) | (x > 75) & (x < 95)) & (y > 15) & (y < 45)
    found = regions_of_spots(shapes, shown)
    assert 0 < out.sum() < 60
    np.testing.assert_array_equal(pd.isna(found), out)


def test_the_reader_takes_geojson(tmp_path, make_result):
    path = write_geojson(make_result(), tmp_path / "domains.geojson")
    ((data, arguments, kind),) = get_reader(str(path))(str(path))
    assert kind == "shapes"
    assert arguments["name"] == "domains"
    assert len(data) == len(arguments["edge_color"])


def test_too_many_areas_say_what_to_export(tmp_path, make_result, monkeypatch):
    monkeypatch.setattr(drawn_areas, "_MOST", 2)
    path = write_geojson(make_result(n_domains=3), tmp_path / "domains.geojson")
    with pytest.raises(InputError, match=r"3 areas, more than napari can draw.*without cells"):
        areas_data(path, None)
