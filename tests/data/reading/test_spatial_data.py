import sys

import numpy as np
import pandas as pd
import pytest

from napari_trsmi.data.reading.inputs import read_inputs
from napari_trsmi.data.reading.paths import read_path
from napari_trsmi.data.selection import Selection
from napari_trsmi.errors import InputError, MissingPackageError

spatialdata = pytest.importorskip("spatialdata", reason="SpatialData input needs spatialdata")
import geopandas as gpd  # noqa: E402
from shapely import box  # noqa: E402
from spatialdata.models import (  # noqa: E402
    Image2DModel,
    Labels2DModel,
    ShapesModel,
    TableModel,
)
from spatialdata.transformations import Affine, Identity, Scale, Translation  # noqa: E402

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


def test_coordinates_of_the_elements_win_and_another_frame_is_said(make_table):
    notes = []
    (source,) = read_inputs(section(make_table, spatial=True), notes)
    np.testing.assert_allclose(source.table.obsm["spatial"], XY)
    assert "obsm['spatial'] is in another frame" in notes[0]
    data = section(make_table)
    data.tables["rna"].obsm["spatial"] = XY.copy()
    notes = []
    read_inputs(data, notes)
    assert len(notes) == 1  # of the image


PICTURE = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)


def colors_at(source):
    """What the picture shows at each spot, pixel i from i to i + 1."""
    column, row = np.floor(source.table.obsm["spatial"] * source.image.scale).astype(int).T
    return source.image.pixels[row, column]


def with_image(make_table, transform, pixels=PICTURE, **options):
    data = section(make_table)
    data.images["hires"] = Image2DModel.parse(
        pixels, dims=("y", "x", "c"), transformations={"hires": transform}, **options
    )
    return data


def test_several_resolutions_in_one_element(make_table):
    large = np.kron(PICTURE, np.ones((4, 4, 1), np.uint8))
    data = with_image(make_table, Scale([0.25, 0.25], axes=("x", "y")), large, scale_factors=[2])
    (source,) = read_inputs(data, [])
    assert source.image.scale == pytest.approx(1)
    np.testing.assert_array_equal(source.image.pixels, large)


@pytest.mark.parametrize(
    ("transform", "turned"),
    [
        (Translation([2, 1], axes=("x", "y")), lambda p: np.pad(p, ((1, 0), (2, 0), (0, 0)))),
        (
            Affine([[0, -1, 24], [1, 0, 0], [0, 0, 1]], ("x", "y"), ("x", "y")),
            lambda p: np.rot90(p, -1),
        ),
        (
            Affine([[-1, 0, 20], [0, 1, 0], [0, 0, 1]], ("x", "y"), ("x", "y")),
            lambda p: p[:, ::-1],
        ),
    ],
    ids=["shifted", "turned", "mirrored"],
)
def test_a_picture_in_another_frame_is_drawn_anew(make_table, transform, turned):
    notes = []
    (source,) = read_inputs(with_image(make_table, transform), notes)
    assert "drawn anew in the spots' frame" in notes[-1]
    expected = turned(PICTURE)
    rows, columns = expected.shape[:2]
    np.testing.assert_array_equal(
        source.image.pixels[1:rows, 2:columns], expected[1:, 2:][: rows - 1, : columns - 2]
    )
    assert source.image.scale == pytest.approx(0.25)


def test_a_damaged_picture_is_said(make_table, tmp_path):
    section(make_table).write(tmp_path / "s.zarr")
    for part in (tmp_path / "s.zarr" / "images").rglob("c/*/*/*"):
        part.write_bytes(b"no pixels")
    with pytest.raises(InputError, match=r"s\.zarr cannot be read"):
        read_inputs(tmp_path / "s.zarr", [])


def labels_of(xy, side=4):
    labels = np.zeros((24 * 4, 20 * 4), np.int32)
    for number, (x, y) in enumerate(xy.astype(int), start=1):
        labels[y - side // 2 : y + side // 2, x - side // 2 : x + side // 2] = number
    return labels


@pytest.mark.parametrize("options", [{}, {"scale_factors": [2]}])
def test_a_table_of_labels_gets_their_centres_and_sizes(make_table, options):
    xy = XY[:, ::-1] / 4 + 30
    table = make_table(4, spatial=False)
    table.obs["region"], table.obs["instance"] = pd.Categorical(["cells"] * 4), range(1, 5)
    table = TableModel.parse(table, region="cells", region_key="region", instance_key="instance")
    labels = Labels2DModel.parse(labels_of(xy), dims=("y", "x"), **options)
    data = spatialdata.SpatialData(labels={"cells": labels}, tables={"rna": table})
    (source,) = read_inputs(data, [])
    np.testing.assert_allclose(source.table.obsm["spatial"], xy.astype(int))
    assert source.spot_diameter == pytest.approx(2 * np.sqrt(16 / np.pi))


@pytest.mark.parametrize("high", [4, 2])
def test_polygons_have_the_size_of_their_area_and_squares_their_side(make_table, high):
    data = section(make_table)
    boxes = [box(x - 4, y - high, x + 4, y + high) for x, y in XY]
    data.shapes["spots"] = ShapesModel.parse(
        gpd.GeoDataFrame(geometry=boxes, index=[f"c{i}" for i in range(4)])
    )
    (source,) = read_inputs(data, [])
    np.testing.assert_allclose(source.table.obsm["spatial"], XY)
    assert source.is_square == (high == 4)
    expected = 8 if high == 4 else 2 * np.sqrt(32 / np.pi)
    assert source.spot_diameter == pytest.approx(expected)


def test_sections_that_share_no_system_are_refused_and_one_is_picked(make_table):
    data = section(make_table, regions=("left", "right"))
    data.shapes["right"] = ShapesModel.parse(
        XY,
        geometry=0,
        radius=4.0,
        index=[f"c{i}" for i in range(4)],
        transformations={"other": Identity()},
    )
    with pytest.raises(InputError, match=r"2 sections \(left and right\) that share no coordinate"):
        read_inputs(data, [])
    (source,) = read_inputs(data, [], Selection.of("left"))
    np.testing.assert_allclose(source.table.obsm["spatial"], XY[:2])
    assert source.image.scale == pytest.approx(0.25)


def test_tables_of_two_bin_sizes_are_told_apart(make_table):
    data = section(make_table, table_name="square_008um")
    other = section(make_table, table_name="square_016um", regions=("large",))
    data.shapes["large"] = other.shapes["large"]
    data.tables["square_016um"] = other.tables["square_016um"][:2].copy()
    notes = []
    (source,) = read_inputs(data, notes)
    assert source.table.n_obs == 4
    assert "bins of 8 um are used" in notes[0]
    (source,) = read_inputs(data, [], Selection.of(bin_size=16))
    assert source.table.n_obs == 2


def test_images_that_are_no_colour_picture_are_left_out(make_table):
    data = section(make_table)
    data.images["hires"] = Image2DModel.parse(
        np.zeros((1, 24, 20), np.uint8), dims=("c", "y", "x"), transformations={"hires": Identity()}
    )
    notes = []
    assert read_inputs(data, notes)[0].image is None
    assert notes[-1].endswith("is used: 'hires' is no colour picture (channels 0).")


def test_two_regions_of_one_system_are_one_section(make_table):
    (source,) = read_inputs(section(make_table, regions=("left", "right")), [])
    np.testing.assert_allclose(source.table.obsm["spatial"], XY)
    assert source.image.scale == pytest.approx(0.25)
    assert source.spot_diameter == 8


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
    with pytest.raises(MissingPackageError, match=r"pip install 'napari-trsmi\[spatialdata\]'"):
        read_path(tmp_path / "s.zarr", [])
