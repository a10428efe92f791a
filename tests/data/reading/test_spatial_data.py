import sys

import numpy as np
import pandas as pd
import pytest

from napari_trsmi.data.reading.inputs import read_inputs
from napari_trsmi.data.reading.paths import read_path
from napari_trsmi.errors import InputError

spatialdata = pytest.importorskip("spatialdata", reason="SpatialData input needs spatialdata")
from spatialdata.models import Image2DModel, ShapesModel, TableModel  # noqa: E402
from spatialdata.transformations import Identity, Scale, Translation  # noqa: E402

XY = np.array([[10.0, 20], [30, 40], [50, 60], [70, 80]])


def section(make_table, *, transform=None, table_name="rna", spatial=False, regions=("spots",)):
    """Make a Visium-like object: shapes in pixels, an image scaled by one quarter."""
    table = make_table(4, spatial=spatial)
    table.obs["region"] = pd.Categorical([regions[i * len(regions) // 4] for i in range(4)])
    table.obs["instance"] = [f"c{i}" for i in range(4)]
    shapes = {
        region: ShapesModel.parse(
            XY[::-1],
            geometry=0,
            radius=4.0,
            index=[f"c{i}" for i in reversed(range(4))],
            transformations={"hires": Scale([0.25, 0.25], axes=("x", "y")), "global": Identity()},
        )
        for region in regions
    }
    pixels = np.full((3, 24, 20), 90, dtype=np.uint8)
    image = Image2DModel.parse(
        pixels, dims=("c", "y", "x"), transformations={"hires": transform or Identity()}
    )
    table = TableModel.parse(
        table,
        region=list(regions) if len(regions) > 1 else regions[0],
        region_key="region",
        instance_key="instance",
    )
    return spatialdata.SpatialData(
        images={"hires": image}, shapes=shapes, tables={table_name: table}
    )


def test_centres_of_the_shapes_and_the_image_in_register(make_table):
    notes = []
    (source,) = read_inputs(section(make_table), notes)
    assert (source.key, source.label) == ("rna", "'rna' of #1 (SpatialData)")
    np.testing.assert_allclose(source.table.obsm["spatial"], XY)
    assert source.image.scale == pytest.approx(0.25)
    assert source.image.pixels.shape == (24, 20, 3)
    assert source.spot_diameter == 8
    assert notes == [
        "Coordinates of table 'rna' of #1 (SpatialData) are the centres of spots.",
        "The tissue image of table 'rna' of #1 (SpatialData) is 'hires', at scale 0.25.",
    ]


def test_coordinates_of_the_table_come_first(make_table):
    (source,) = read_inputs(section(make_table, spatial=True), [])
    assert source.table.obsm["spatial"][3].tolist() == [3, 9]


def test_an_image_that_is_not_only_scaled_is_left_out(make_table):
    moved = Translation([5, 5], axes=("x", "y"))
    (source,) = read_inputs(section(make_table, transform=moved), [])
    assert source.image is None


def test_images_that_are_no_colour_picture_are_left_out(make_table):
    data = section(make_table)
    data.images["hires"] = Image2DModel.parse(
        np.zeros((1, 24, 20), np.uint8), dims=("c", "y", "x"), transformations={"hires": Identity()}
    )
    assert read_inputs(data, [])[0].image is None


def test_two_regions_have_centres_and_no_one_image(make_table):
    (source,) = read_inputs(section(make_table, regions=("left", "right")), [])
    np.testing.assert_allclose(source.table.obsm["spatial"], XY)
    assert (source.image, source.spot_diameter) == (None, None)


def test_a_spot_without_a_shape_has_no_finite_coordinates(make_table):
    data = section(make_table)
    data.shapes["spots"] = data.shapes["spots"].drop(index="c2")
    (source,) = read_inputs(data, [])
    assert np.isnan(source.table.obsm["spatial"]).any(axis=1).tolist() == [
        False,
        False,
        True,
        False,
    ]


def test_the_default_name_of_a_table_says_nothing(make_table):
    (source,) = read_inputs(section(make_table, table_name="table"), [])
    assert source.key is None


def test_a_store_and_an_object_are_the_same(make_table, tmp_path):
    section(make_table).write(tmp_path / "s.zarr")
    (source,) = read_inputs(tmp_path / "s.zarr", [])
    np.testing.assert_allclose(source.table.obsm["spatial"], XY)


def test_no_tables(make_table):
    with pytest.raises(InputError, match="SpatialData without tables"):
        read_inputs(spatialdata.SpatialData(), [])


def test_without_the_library_a_store_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "s.zarr").mkdir()
    monkeypatch.setitem(sys.modules, "spatialdata", None)
    with pytest.raises(InputError, match="pip install spatialdata"):
        read_path(tmp_path / "s.zarr", [])
