"""Files and folders as layers: through napari's own model, and dropped on a real window."""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.utils.notifications import notification_manager
from PIL import Image

from napari_trsmi import add_domains, write_result
from napari_trsmi.errors import InputError, TRSMIWarning
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.section.reading import get_reader, name_of, read_layers

pytestmark = pytest.mark.usefixtures("installed_plugins")

N = 40
PLUGIN = "napari-trsmi"


def make_table(name="rna", *, spatial=True, n_features=6):
    rng = np.random.default_rng(len(name))
    obs = pd.DataFrame(index=[f"spot_{spot}" for spot in range(N)])
    table = anndata.AnnData(
        rng.integers(1, 9, (N, n_features)).astype(np.float32),
        obs=obs,
        var=pd.DataFrame(index=[f"{name}_{feature}" for feature in range(n_features)]),
    )
    if spatial:
        table.obsm["spatial"] = np.column_stack([np.arange(N) % 8 * 10.0, np.arange(N) // 8 * 10.0])
    return table


@pytest.fixture
def write(tmp_path):
    """Write a table as ``.h5ad``; its spot (x, y) lies at 10 times its place in an 8 x 5 grid."""

    def write(table, name="rna.h5ad"):
        path = tmp_path / name
        table.write_h5ad(path)
        return str(path)

    return write


def opened(path, **options):
    return ViewerModel().open(path, plugin=PLUGIN, **options)


def test_spots_lie_at_row_and_column_with_their_tables(write):
    (points,) = opened(write(make_table()))
    assert points.name == "rna"
    spot = 11  # the second row's fourth
    np.testing.assert_array_equal(points.data[spot], (10, 30))
    np.testing.assert_array_equal(points.data_to_world(points.data[spot]), (10, 30))
    np.testing.assert_allclose(points.size, 10)  # as far apart as they are
    dataset = dataset_of(points)
    assert dataset.names == ("rna",)
    np.testing.assert_array_equal(dataset.coordinates[:, ::-1], points.data)
    assert points.features["spot"].tolist() == dataset.spots.tolist()
    assert result_of(points) is None


def test_the_tables_image_lies_under_them(write):
    table = make_table()
    pixels = np.random.default_rng(0).integers(0, 256, (25, 40, 3), dtype=np.uint8)
    scalefactors = {"tissue_lowres_scalef": 0.5, "spot_diameter_fullres": 6.0}
    table.uns["spatial"] = {"s1": {"images": {"lowres": pixels}, "scalefactors": scalefactors}}
    tissue, points = opened(write(table))
    np.testing.assert_array_equal(tissue.data, pixels)
    assert tissue.rgb
    assert not tissue.multiscale
    row, column = points.data[11]
    pixel = tissue.world_to_data(points.data_to_world((row, column)))
    np.testing.assert_allclose(pixel, (row * 0.5, column * 0.5))
    np.testing.assert_allclose(points.size, 6)


def test_spots_are_of_one_colour_whatever_is_known_of_them(write):
    table = make_table()
    table.obs["layer"] = pd.Categorical(["L1", "L2"] * (N // 2))
    (points,) = opened(write(table))
    assert points.face_color_mode == "direct"
    assert len(np.unique(points.face_color, axis=0)) == 1
    assert points.features["layer"].tolist() == ["L1", "L2"] * (N // 2)


def test_any_annotation_can_be_shown(write):
    table = make_table()
    columns = {
        "missing": pd.Categorical([None, "a", "b", "a"] * (N // 4)),
        "many": pd.Categorical(np.arange(N) % 20),
        "counted": np.arange(N),
        "measured": [np.nan, *np.linspace(0, 1, N - 1)],
        "nullable": pd.array([None, *range(N - 1)], dtype="Int64"),
        "flag": np.arange(N) % 2 == 0,
        "text": [f"name {spot}" for spot in range(N)],
        "spot": np.arange(N),
    }
    table.obs = table.obs.assign(**columns)
    (points,) = opened(write(table))
    features = points.features
    assert list(features) == ["spot", *list(columns)[:-1], "spot_annotation"]
    assert features["missing"].tolist()[:3] == ["unlabelled", "a", "b"]
    assert features["many"].nunique() == 20
    assert features["many"].map(type).eq(str).all()
    assert features["flag"].tolist()[:2] == ["True", "False"]
    assert features["counted"].tolist() == list(range(N))
    assert np.isnan(features["measured"][0])
    assert np.isnan(features["nullable"][0])
    modes = {}
    for name in features:
        points.face_color_mode = "direct"
        points.face_color = name  # napari raises on what it cannot colour by
        modes[name] = str(points.face_color_mode)
    assert modes["many"] == modes["missing"] == modes["flag"] == "cycle"
    assert modes["measured"] == modes["nullable"] == "colormap"


def test_a_large_image_becomes_a_pyramid(write, tmp_path):
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (30, 52, 3), dtype=np.uint8)
    pixels = np.repeat(np.repeat(small, 100, axis=0), 100, axis=1)
    table = make_table()
    table.obsm["spatial"] *= [2600, 1500] / table.obsm["spatial"].max(axis=0)
    table.uns["spatial"] = {
        "s": {"images": {"hires": pixels}, "scalefactors": {"tissue_hires_scalef": 2.0}}
    }
    tissue, _ = opened(write(table))
    assert tissue.multiscale
    assert [level.shape for level in tissue.data] == [
        (3000, 5200, 3),
        (1500, 2600, 3),
        (750, 1300, 3),
        (375, 650, 3),
    ]
    np.testing.assert_array_equal(tissue.data[3][0, ::25][:26], small[0, ::2])
    np.testing.assert_allclose(tissue.scale, 0.5)


def test_several_files_opened_as_one_are_one_section(write):
    paths = [write(make_table()), write(make_table("protein"), "protein.h5ad")]
    (points,) = opened(paths, stack=True)
    assert dataset_of(points).names == ("rna", "protein")
    assert points.name == "rna"


def test_h5mu_brings_its_modalities(tmp_path):
    mudata = pytest.importorskip("mudata")
    path = str(tmp_path / "both.h5mu")
    tables = {"rna": make_table(), "protein": make_table("protein")}
    mudata.MuData(tables).write(path)
    (points,) = opened(path)
    assert dataset_of(points).names == ("rna", "protein")


def test_spatialdata_opens_from_its_folder(tmp_path):
    spatialdata = pytest.importorskip("spatialdata", reason="needs spatialdata")
    from spatialdata.models import TableModel

    store = tmp_path / "section.zarr"
    spatialdata.SpatialData(tables={"rna": TableModel.parse(make_table())}).write(store)
    (points,) = opened(str(store))
    assert points.name == "section"
    np.testing.assert_array_equal(points.data[11], (10, 30))


def test_anndata_opens_from_its_zarr_folder(tmp_path):
    store = tmp_path / "rna.zarr"
    make_table().write_zarr(store)
    (points,) = opened(str(store))
    assert dataset_of(points).n_spots == N


def test_a_result_opens_as_add_domains_shows_it(make_result, tmp_path):
    result = make_result()
    path = str(write_result(result, tmp_path / "domains.h5ad"))
    viewer = ViewerModel()
    add_domains(viewer, result, name="domains")
    for read, added in zip(opened(path), viewer.layers, strict=True):
        assert type(read) is type(added)
        assert read.name == ("domains: tissue" if added.name == "Tissue" else added.name)
        np.testing.assert_array_equal(read.data, added.data)
        state, expected = read._get_state(), added._get_state()
        assert state.keys() == expected.keys()
        for key in state.keys() - {"metadata", "data", "name"}:
            assert repr(state[key]) == repr(expected[key]), key
    found = result_of(read)
    pd.testing.assert_series_equal(found.domains, result.domains)
    assert found.record == result.record


def test_others_files_are_left_to_others(tmp_path):
    foreign = tmp_path / "other.h5ad"
    with h5py.File(foreign, "w") as file:
        file["volume"] = np.zeros(3)
    image = tmp_path / "image.zarr"
    image.mkdir()
    (image / "zarr.json").write_text('{"zarr_format": 3, "attributes": {"ome": {}}}')
    broken = tmp_path / "broken.zarr"
    broken.mkdir()
    (broken / ".zattrs").write_text("[1")
    listed = tmp_path / "list.zarr"
    listed.mkdir()
    (listed / ".zattrs").write_text("[1]")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for path in (foreign, image, broken, listed, pictures):
        assert get_reader(str(path)) is None
    with pytest.raises(ValueError, match="refused the file"):
        opened(str(pictures))


@pytest.mark.parametrize("kind", ["truncated", "empty", "text"])
def test_a_damaged_file_is_one_readable_error(write, tmp_path, kind):
    content = Path(write(make_table())).read_bytes()
    path = tmp_path / f"{kind}.h5ad"
    path.write_bytes({"truncated": content[:3000], "empty": b"", "text": b"spot,x,y\n"}[kind])
    with pytest.raises(InputError, match=f"{kind}.h5ad") as caught:
        opened(str(path))
    assert "Traceback" not in str(caught.value)


def test_a_table_without_coordinates_says_what_to_do(write):
    with pytest.raises(InputError, match=r"no coordinates.*positions="):
        opened(write(make_table(spatial=False)))


def test_a_table_of_an_unknown_kind_is_shown_and_said_to_be_taken_as_rna(write):
    table = make_table("thing")
    path = write(table, "section.h5ad")
    with pytest.warns(TRSMIWarning, match=r"Nothing tells what section.h5ad holds"):
        (points,) = opened(path)
    dataset = dataset_of(points)
    assert dataset.modalities[0].kind == "rna"
    assert dataset.notes[-1].startswith("Nothing tells what section.h5ad holds")
    table.X[3, 2] = np.nan  # another defect besides, which nothing can be done about here
    with pytest.raises(InputError, match=r"1 unusable count, first nan at spot 'spot_3'"):
        opened(write(table, "section.h5ad"))


def test_an_incomplete_result_says_so(make_result, tmp_path):
    table = make_result().to_anndata()
    del table.uns["trsmi"]["record"]
    path = tmp_path / "incomplete.h5ad"
    table.write_h5ad(path)
    with pytest.raises(InputError, match="incomplete TRSMI result"):
        opened(str(path))


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ("data/rna.h5ad", "rna"),
        (Path("run_7/outs"), "run_7"),
        ("protein=data/adt.h5ad", "adt"),
        (["a.h5ad", "b.h5ad"], "a"),
        ({"rna": None}, "Spots"),
        ([], "Spots"),
    ],
)
def test_layers_are_named_by_the_file(tables, expected):
    assert name_of(tables) == expected


def on_tissue(layers):
    """Share of the spots whose pixel is neither bright, as glass is, nor masked with black."""
    tissue, points = layers
    pixels = np.asarray(tissue.data[0] if tissue.multiscale else tissue.data)
    world = [points.data_to_world(position) for position in points.data]
    rows, columns = np.rint([tissue.world_to_data(place) for place in world]).astype(int).T
    brightness = pixels[rows, columns].mean(axis=1)
    return float(np.mean((brightness > 20) & (brightness < 215)))


@pytest.mark.parametrize(
    ("section", "image"), [("her2_a1", "tissue.png"), ("her2_c2", "tissue.jpg")]
)
def test_spots_of_her2_land_on_the_tissue(shared_data, section, image):
    folder = shared_data / section
    viewer = ViewerModel()
    # What a user does: drop the picture, which napari reads, then the table.
    layers = viewer.open(str(folder / image), plugin="napari")
    layers += viewer.open(str(folder / "rna.h5ad"), plugin=PLUGIN)
    assert on_tissue(layers) > 0.9
    points = layers[1]
    points.data = points.data[:, ::-1]  # the test can fail: x and y exchanged
    inside = np.all(points.data < layers[0].extent.data[1], axis=1)
    points.data = points.data[inside]
    assert on_tissue(layers) < 0.9


def test_the_low_resolution_image_of_dlpfc_is_in_register(shared_data):
    layers = opened(str(shared_data / "dlpfc_151673" / "rna_features_visium.h5ad"))
    tissue, points = layers
    assert tissue.data.shape == (600, 600, 3)
    np.testing.assert_allclose(points.size, 96.4, atol=0.1)
    # On this slide the glass has a brightness of 175 everywhere.
    pixels = np.asarray(tissue.data)
    glass = np.median(pixels[:40].mean(axis=2))
    place = np.rint(points.data / tissue.scale).astype(int)
    darker = pixels[tuple(place.T)].mean(axis=1) < glass - 5
    assert darker.mean() > 0.95
    assert (pixels.mean(axis=2) < glass - 5).mean() < 0.7


@pytest.mark.usefixtures("real_window")
def test_a_space_ranger_folder_opens_in_a_window(make_napari_viewer, shared_data):
    folder = shared_data / "visium_mini"
    viewer = make_napari_viewer(show=True)
    tissue, points = viewer.open(str(folder), plugin=PLUGIN)
    assert list(viewer.layers) == [tissue, points]
    assert points.name == "visium_mini"
    with Image.open(folder / "spatial" / "tissue_hires_image.png") as image:
        np.testing.assert_array_equal(tissue.data, np.asarray(image.convert("RGB")))
    listed = pd.read_csv(folder / "spatial" / "tissue_positions_list.csv", header=None, index_col=0)
    expected = listed.loc[points.features["spot"], [4, 5]]  # pixel row, pixel column
    np.testing.assert_array_equal(points.data, expected)
    np.testing.assert_allclose(tissue.scale, 1 / 0.150015)
    np.testing.assert_allclose(points.size, 89.43, atol=0.01)


@pytest.mark.usefixtures("real_window")
def test_a_malformed_file_dropped_on_the_window(make_napari_viewer, qtbot, write, tmp_path):
    from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
    from qtpy.QtGui import QDropEvent

    path = tmp_path / "truncated.h5ad"
    path.write_bytes(Path(write(make_table())).read_bytes()[:3000])
    viewer = make_napari_viewer(show=True)
    window = viewer.window._qt_viewer
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    drop = QDropEvent(
        QPointF(200, 200),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    notification_manager.records.clear()
    with notification_manager:  # as while napari runs
        window.dropEvent(drop)
    (shown,) = notification_manager.records
    assert shown.message.startswith("truncated.h5ad cannot be read")
    assert shown.severity == "error"
    assert not viewer.layers
    with notification_manager:
        viewer.open(write(make_table()), plugin=None)  # the window goes on
    assert len(viewer.layers) == 1
    notification_manager.records.clear()


def test_read_layers_is_what_the_reader_does(write):
    path = write(make_table())
    ((data, arguments, kind),) = read_layers(path)
    assert kind == "points"
    np.testing.assert_array_equal(data, get_reader(path)(path)[0][0])
    assert arguments["name"] == "rna"
