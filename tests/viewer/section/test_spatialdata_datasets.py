"""Stores of spatialdata's own making: opened, in register, integrated, exported, opened again."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import scipy.datasets
import shapely
from anndata import AnnData
from napari.components import ViewerModel

from napari_trsmi import integrate, load, read_result, write_result
from napari_trsmi.errors import InputError
from napari_trsmi.output.geojson import write_geojson
from napari_trsmi.output.spatial_data import write_spatialdata
from napari_trsmi.viewer.attached import dataset_of

spatialdata = pytest.importorskip("spatialdata")
datasets = pytest.importorskip("spatialdata.datasets")

pytestmark = [
    pytest.mark.usefixtures("installed_plugins"),
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning"),
]
ELEMENTS = ["blobs_labels", "blobs_multiscale_labels", "blobs_circles", "blobs_polygons"]
GENES = [f"{letter}ox{number}" for letter in "ABCD" for number in range(4)]


def annotated(data, name):
    """Count genes in an element's instances, as the table of the store."""
    from spatialdata.models import TableModel

    instances = np.asarray(spatialdata.get_element_instances(data[name]))
    instances = instances[instances != 0] if "labels" in name else instances
    rng = np.random.default_rng(0)
    counts = rng.poisson(4.0, (len(instances), len(GENES))).astype(np.float32)
    obs = pd.DataFrame({"region": pd.Categorical([name] * len(instances)), "id": instances})
    table = AnnData(counts, obs.set_index(obs.index.astype(str)), pd.DataFrame(index=GENES))
    table.var["feature_types"] = "Gene Expression"
    for old in list(data.tables):
        del data.tables[old]
    data["table"] = TableModel.parse(table, region=name, region_key="region", instance_key="id")
    return data


def made(name, path):
    annotated(datasets.blobs(length=256, n_shapes=40), name).write(path)
    return spatialdata.read_zarr(path)


@pytest.mark.parametrize("name", ELEMENTS)
def test_blobs(tmp_path, name):
    data = made(name, tmp_path / "blobs.zarr")
    tissue, points = ViewerModel().open(str(tmp_path / "blobs.zarr"), plugin="napari-trsmi")
    dataset = dataset_of(points)
    centres = spatialdata.get_centroids(data[name]).compute()
    ids = data["table"].obs.loc[dataset.spots, "id"]
    np.testing.assert_allclose(dataset.coordinates, centres.loc[ids, ["x", "y"]])
    if "labels" in name:
        labels = np.asarray(spatialdata.read_zarr(tmp_path / "blobs.zarr")["blobs_labels"].data)
        area = np.median(np.bincount(labels.ravel())[ids])
    else:
        shapes = data[name]
        area = np.median(shapes.radius**2 * np.pi if "radius" in shapes else shapes.area)
    assert dataset.spot_diameter == pytest.approx(2 * np.sqrt(area / np.pi))
    # A pixel of the picture is one of the store's coordinates.
    row, column = points.data[3]
    pixel = tissue.world_to_data(points.data_to_world((row, column)))
    full = tissue.data.shape[1] / 256
    np.testing.assert_allclose(pixel, (row * full, column * full))

    result = integrate(dataset, n_domains=2, n_components=5, feature_neighbors=5)
    for path in (
        write_result(result, tmp_path / "domains.h5ad"),
        write_spatialdata(result, tmp_path / "domains.zarr", dataset=dataset),
    ):
        again = read_result(path)
        np.testing.assert_array_equal(again.domains, result.domains)
        np.testing.assert_allclose(again.coordinates, result.coordinates)
        (*_, shown) = ViewerModel().open(str(path), plugin="napari-trsmi")
        np.testing.assert_allclose(shown.data, points.data)
    path = write_geojson(result, tmp_path / "domains.geojson", spots=True)
    features = json.loads(path.read_text())["features"]
    spots = [f for f in features if f["properties"]["objectType"] == "detection"]
    middle = shapely.from_geojson(json.dumps(spots[3]["geometry"])).centroid
    assert (middle.x, middle.y) == pytest.approx(tuple(dataset.coordinates[3]))


def test_the_table_that_blobs_come_with(tmp_path):
    datasets.blobs(length=128).write(tmp_path / "blobs.zarr")
    dataset = load({"features": tmp_path / "blobs.zarr"})
    labels = spatialdata.read_zarr(tmp_path / "blobs.zarr")["blobs_labels"]
    centres = spatialdata.get_centroids(labels).compute()
    assert len(dataset.spots) <= len(centres)
    inside = [tuple(xy) in set(map(tuple, centres.to_numpy())) for xy in dataset.coordinates]
    assert all(inside)


@pytest.mark.parametrize("name", [*ELEMENTS, "blobs_multipolygons"])
def test_a_table_of_nothing_but_places_is_refused(name):
    with pytest.raises(InputError, match="no counts") as caught:
        load(datasets.blobs_annotating_element(name))
    assert "'spatial'" not in str(caught.value)


def test_the_raccoon(tmp_path, monkeypatch):
    picture = np.full((240, 320, 3), 230, np.uint8)
    picture[60:180, 80:240] = (170, 90, 140)
    monkeypatch.setattr(scipy.datasets, "face", lambda: picture)  # it would be downloaded
    data = datasets.raccoon()
    with pytest.raises(InputError, match="without tables"):
        load(data)
    data = annotated(data, "segmentation")
    data.write(tmp_path / "raccoon.zarr")
    dataset = load(tmp_path / "raccoon.zarr")
    centres = spatialdata.get_centroids(data["segmentation"]).compute()
    ids = data["table"].obs.loc[dataset.spots, "id"]
    np.testing.assert_allclose(dataset.coordinates, centres.loc[ids, ["x", "y"]])
    np.testing.assert_array_equal(dataset.image.pixels, picture)
    assert dataset.image.scale == 1
