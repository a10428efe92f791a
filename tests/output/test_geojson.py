from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
import shapely

from napari_trsmi.errors import OutputError
from napari_trsmi.output.geojson import write_geojson
from napari_trsmi.spots.boundaries import domain_polygons


def _features(path, kind):
    collection = json.loads(path.read_text())
    assert collection["type"] == "FeatureCollection"
    return [f for f in collection["features"] if f["properties"]["objectType"] == kind]


def test_a_locked_annotation_for_each_domain_in_its_colour(make_result, tmp_path):
    result = make_result(n_domains=3)
    path = write_geojson(result, tmp_path / "domains.geojson")
    annotations = _features(path, "annotation")
    assert [a["properties"]["classification"]["name"] for a in annotations] == ["1", "2", "3"]
    for annotation, (name, color) in zip(annotations, result.colors.items(), strict=True):
        properties = annotation["properties"]
        rgb = properties["classification"]["color"]
        assert "#" + "".join(f"{channel:02x}" for channel in rgb) == color
        assert properties["name"] == f"Domain {name}"
        assert properties["isLocked"] is True
        of_domain = result.domains == name
        assert properties["measurements"]["Spots"] == of_domain.sum()
        confidence = result.confidence[of_domain].mean()
        assert properties["measurements"]["Mean confidence"] == pytest.approx(confidence)
    assert not _features(path, "detection")


def test_geopandas_reads_the_areas_back(make_result, tmp_path):
    geopandas = pytest.importorskip("geopandas")
    result = make_result(n_domains=3)
    read = geopandas.read_file(write_geojson(result, tmp_path / "domains.geojson"))
    read = read.set_crs(None, allow_override=True)  # pixels, not degrees
    areas = domain_polygons(result.coordinates, result.domains)
    assert read.geometry.is_valid.all()
    np.testing.assert_allclose(read.geometry.area, [area.area for area in areas.values()])
    for name, geometry in zip(areas, read.geometry, strict=True):
        own = result.coordinates[(result.domains == name).to_numpy()]
        assert shapely.contains_xy(geometry, own).all()


def test_holes_and_parts_are_kept(make_result, tmp_path):
    result = make_result(n_spots=144)
    x, y = ((result.coordinates - 20) / 10).T
    island = (x > 3) & (x < 7) & (y > 3) & (y < 7)
    apart = x == 11
    labels = np.where(island | apart, "2", "1")
    domains = pd.Series(pd.Categorical(labels), index=result.domains.index)
    edited = type(result)(**{**result.__dict__, "domains": domains})
    sea, rest = (
        shapely.geometry.shape(feature["geometry"])
        for feature in _features(write_geojson(edited, tmp_path / "a.geojson"), "annotation")
    )
    assert (sea.geom_type, rest.geom_type) == ("Polygon", "MultiPolygon")
    assert shapely.Polygon(sea.interiors[0]).area == pytest.approx(900)
    assert len(rest.geoms) == 2
    assert sea.is_valid
    assert rest.is_valid


def test_spots_are_ellipses_with_measurements(make_result, tmp_path):
    result = make_result(spot_diameter=8.0)
    path = write_geojson(result, tmp_path / "domains.geojson", spots=True)
    spots = _features(path, "detection")
    assert len(spots) == 60
    spot = spots[17]
    assert spot["properties"]["name"] == "spot_17"
    assert spot["properties"]["classification"]["name"] == result.domains.iloc[17]
    assert spot["properties"]["measurements"] == pytest.approx(
        {
            "Confidence": result.confidence.iloc[17],
            "Weight rna": result.modality_weights["rna"].iloc[17],
            "Weight protein": result.modality_weights["protein"].iloc[17],
        }
    )
    assert spot["geometry"]["isEllipse"] is True
    x, y = result.coordinates[17]
    bounds = shapely.geometry.shape(spot["geometry"]).bounds
    np.testing.assert_allclose(bounds, [x - 4, y - 4, x + 4, y + 4])


def test_bins_are_squares(make_result, tmp_path):
    result = replace(make_result(spot_diameter=8.0), square_spots=True)
    path = write_geojson(result, tmp_path / "bins.geojson", spots=True)
    features = json.loads(path.read_text())["features"]
    bins = [f["geometry"] for f in features if f["properties"]["objectType"] == "detection"]
    assert len(bins) == len(result.domains)
    assert "isEllipse" not in bins[0]
    shape = shapely.from_geojson(json.dumps(bins[7]))
    assert shape.exterior.is_ccw
    assert shape.equals(shapely.box(*(result.coordinates[7] - 4), *(result.coordinates[7] + 4)))


def test_a_file_is_replaced_only_when_asked(make_result, tmp_path):
    path = tmp_path / "domains.geojson"
    path.write_text("mine")
    with pytest.raises(OutputError, match="already there"):
        write_geojson(make_result(), path)
    assert path.read_text() == "mine"
    write_geojson(make_result(), path, overwrite=True)
    assert json.loads(path.read_text())
    with pytest.raises(OutputError, match=r"must end in \.geojson"):
        write_geojson(make_result(), tmp_path / "domains.json")


def test_rings_are_wound_and_features_named_as_the_format_asks(make_result, tmp_path):
    """RFC 7946, 3.1.6: outer rings anticlockwise, holes clockwise; 3.2: an id for each."""
    result = make_result(n_spots=144)
    x, y = ((result.coordinates - 20) / 10).T
    island = (x > 3) & (x < 7) & (y > 3) & (y < 7)
    labels = pd.Categorical(np.where(island, "2", "1"))
    edited = replace(result, domains=pd.Series(labels, index=result.domains.index))
    path = write_geojson(edited, tmp_path / "a.geojson", spots=True)
    features = json.loads(path.read_text())["features"]
    holes = 0
    for feature in features:
        outer, *inner = feature["geometry"]["coordinates"]
        assert shapely.LinearRing(outer).is_ccw
        assert not any(shapely.LinearRing(ring).is_ccw for ring in inner)
        holes += len(inner)
    assert holes == 1
    ids = [feature["id"] for feature in features]
    assert len({UUID(one) for one in ids}) == 2 + 144
    again = write_geojson(edited, tmp_path / "b.geojson", spots=True)
    assert [feature["id"] for feature in json.loads(again.read_text())["features"]] == ids
