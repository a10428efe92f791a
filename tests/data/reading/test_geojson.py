"""GeoJSON as QuPath writes it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_trsmi.data.reading.geojson import UNCLASSIFIED, read_geojson
from napari_trsmi.errors import InputError
from napari_trsmi.output.geojson import write_geojson

RING = [[0, 0], [10, 0], [10, 5], [0, 5], [0, 0]]
HOLE = [[2, 2], [2, 3], [3, 3], [3, 2], [2, 2]]


@pytest.fixture
def save(tmp_path):
    def write(content, name="areas.geojson"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def feature(geometry, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_classes_names_colours_and_holes(save):
    areas = read_geojson(
        save(
            {
                "type": "FeatureCollection",
                "features": [
                    feature(
                        {"type": "Polygon", "coordinates": [RING, HOLE]},
                        objectType="annotation",
                        name="A1",
                        classification={"name": "Tumor", "color": [200, 0, 0]},
                    ),
                    feature(
                        {"type": "MultiPolygon", "coordinates": [[RING], [HOLE]]},
                        classification={"name": "Stroma", "colorRGB": -6895466},
                    ),
                    feature({"type": "Point", "coordinates": [1, 1]}),
                    feature({"type": "Polygon", "coordinates": [RING]}),
                ],
            }
        )
    )
    assert [area.classification for area in areas] == ["Tumor", "Stroma", "Stroma", UNCLASSIFIED]
    assert [len(area.rings) for area in areas] == [2, 1, 1, 1]
    assert areas[0].name == "A1"
    assert areas[0].color == "#c80000"
    assert areas[1].color == "#96c896"  # as QuPath 0.2 packed it
    assert areas[3].color is None
    np.testing.assert_array_equal(areas[0].rings[0], RING)


@pytest.mark.parametrize("form", ["list", "one", "geometries"])
def test_other_forms(save, form):
    polygon = {"type": "Polygon", "coordinates": [RING]}
    content = {
        "list": [feature(polygon)],
        "one": feature(polygon),
        "geometries": feature({"type": "GeometryCollection", "geometries": [polygon]}),
    }[form]
    (area,) = read_geojson(save(content))
    assert area.classification == UNCLASSIFIED


def test_what_this_package_writes_comes_back(make_result, tmp_path):
    result = make_result(n_domains=3)
    areas = read_geojson(write_geojson(result, tmp_path / "domains.geojson"))
    assert {area.classification: area.color for area in areas} == result.colors


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no GeoJSON"),
        ('{"type": "FeatureCollection", "features": 3}', "no list of features"),
        ([{"geometry": {"type": "Point", "coordinates": [1, 2]}}], "has no polygon"),
        ([{"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}}], "Feature 1 of"),
        ([{"geometry": {"type": "Polygon", "coordinates": [5]}}], "Feature 1 of"),
        ([{"geometry": {"type": "Polygon"}}], "Feature 1 of"),
        ([3], "Feature 1 of"),
    ],
)
def test_what_is_wrong_is_said(save, content, said):
    with pytest.raises(InputError, match=said):
        read_geojson(save(content))
