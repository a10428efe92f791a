"""`napari_trsmi.open`, and the menu's form for files that belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from PIL import Image

import napari_trsmi as trsmi
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.section.open_files import open_files


@pytest.fixture
def written(make_dataset, tmp_path):
    """Write the tables of one section, a picture of it, and its positions."""
    dataset = make_dataset()
    paths = {}
    for modality in dataset.modalities:
        paths[modality.name] = tmp_path / f"{modality.name}.h5ad"
        modality.table.write_h5ad(paths[modality.name])
    pixels = np.random.default_rng(0).integers(0, 256, (90, 110, 3), dtype=np.uint8)
    paths["image"] = tmp_path / "tissue.png"
    Image.fromarray(pixels).save(paths["image"])
    paths["positions"] = tmp_path / "positions.csv"
    places = pd.DataFrame(dataset.coordinates / 20, dataset.spots, ["x", "y"])
    places.to_csv(paths["positions"], index_label="spot")
    return paths


def test_several_tables_with_a_picture_and_positions(written):
    viewer = ViewerModel()
    tissue, points = trsmi.open(
        viewer,
        {"rna": written["rna"], "protein": written["protein"]},
        image=written["image"],
        positions=written["positions"],
        name="section",
    )
    assert list(viewer.layers) == [tissue, points]
    assert points.name == "section"
    assert tissue.data.shape == (90, 110, 3)
    dataset = dataset_of(points)
    assert dataset.names == ("rna", "protein")
    places = pd.read_csv(written["positions"], index_col="spot")
    np.testing.assert_allclose(points.data, places.loc[points.features["spot"], ["y", "x"]])
    np.testing.assert_array_equal(dataset.image.pixels, tissue.data)


def test_a_layer_of_the_viewer_can_be_the_image(written):
    viewer = ViewerModel()
    tissue = viewer.add_image(
        np.zeros((900, 1100, 3), np.uint8), scale=(0.5, 0.5), translate=(3, 4), units="um"
    )
    (points,) = trsmi.open(viewer, str(written["rna"]), image=tissue)
    assert list(viewer.layers) == [tissue, points]
    place = points.data[5]
    np.testing.assert_allclose(points.data_to_world(place), tissue.data_to_world(place))
    assert points.units == tissue.units


def test_a_result_opens_with_its_domains(make_result, tmp_path):
    result = make_result(image_scale=0.5)
    path = trsmi.write_result(result, tmp_path / "run.h5ad")
    tissue, points = trsmi.open(ViewerModel(), path)
    assert points.name == "run"
    assert result_of(points).colors == result.colors
    np.testing.assert_allclose(tissue.scale, 2)
    other = trsmi.TissueImage(np.zeros((30, 40, 3), np.uint8), scale=0.25)
    viewer = ViewerModel()
    tissue, points = trsmi.open(viewer, path, image=other)
    np.testing.assert_allclose(tissue.scale, 4)
    assert result_of(points).image.scale == 0.25
    (again,) = trsmi.open(viewer, path, image=tissue)
    np.testing.assert_allclose(again.data_to_world((8, 4)), points.data_to_world((8, 4)))


def test_tables_in_memory(make_dataset):
    tables = {modality.name: modality.table for modality in make_dataset().modalities}
    # No file can hold these categories, which read the same.
    tables["rna"].obs["batch"] = pd.Categorical([1, "1", None] * 20)
    (points,) = trsmi.open(ViewerModel(), tables)
    assert points.name == "Spots"
    assert set(points.features["batch"]) == {"1", "unlabelled"}
    points.face_color = "batch"


@pytest.mark.parametrize("path", ["nowhere.h5ad", Path("nowhere"), "rna=nowhere.h5ad"])
def test_a_path_that_is_not_there(path):
    viewer = ViewerModel()
    with pytest.raises(InputError, match=r"There is no file .*nowhere.*Check the path"):
        trsmi.open(viewer, path)
    assert not viewer.layers


@pytest.mark.usefixtures("real_window")
def test_the_menus_form_opens_what_is_chosen(written, make_napari_viewer):
    viewer = make_napari_viewer()
    _, form = viewer.window.add_plugin_dock_widget("napari-trsmi", "Open section")
    for name in ("tables", "image", "positions"):
        assert form[name].tooltip, name
    with pytest.raises(InputError, match="No tables are chosen"):
        form()
    form.tables.value = [written["rna"], written["protein"]]
    form.image.value, form.positions.value = written["image"], written["positions"]
    form.call_button.native.click()
    tissue, points = viewer.layers
    assert tissue.data.shape == (90, 110, 3)
    assert dataset_of(points).names == ("rna", "protein")


def test_one_chosen_file_may_be_a_result(make_result, tmp_path):
    path = trsmi.write_result(make_result(image_scale=None), tmp_path / "run.h5ad")
    viewer = ViewerModel()
    open_files(viewer, [path])
    assert result_of(viewer.layers["run"]) is not None


def test_a_store_of_ours_opens_as_domains_with_its_tables(tmp_path):
    pytest.importorskip("spatialdata")
    from napari_trsmi.output.spatial_data import write_spatialdata

    dataset = trsmi.simulate(n_spots=80, modalities=("rna",), n_features={"rna": 100})
    sizes = {"n_components": 5, "embedding_dim": 5, "feature_neighbors": 5, "align_neighbors": 4}
    result = trsmi.integrate(dataset, n_domains=3, epochs=2, **sizes)
    for name, tables in (("whole", dataset), ("alone", None)):
        path = write_spatialdata(result, tmp_path / f"{name}.zarr", dataset=tables)
        tissue, points = trsmi.open(ViewerModel(), str(path))
        assert tissue.name.endswith(": tissue")
        assert list(points.features["domain"]) == list(result.domains)
        found = dataset_of(points)
        assert (found is None) == (tables is None)
    assert result_of(points).n_domains == 3
