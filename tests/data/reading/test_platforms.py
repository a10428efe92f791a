"""Folders as the instruments write them, made by scripts/vendor_folders.py."""

from __future__ import annotations

import builtins
import json
import sys
from importlib.util import find_spec
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.loading import load
from napari_trsmi.errors import InputError, MissingPackageError

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))
import vendor_folders as vendor

sys.path.pop(0)

AREA = 81.0  # of each cell
DIAMETER = 2 * np.sqrt(AREA / np.pi)

INSTALLED = find_spec("spatialdata_io") is not None
needs_spatialdata_io = pytest.mark.skipif(not INSTALLED, reason="needs napari-trsmi[platforms]")
pytestmark = [
    pytest.mark.skipif(find_spec("spatialdata") is None, reason="needs spatialdata"),
    pytest.mark.filterwarnings("ignore:Duplicate name", "ignore:Observation names"),
]


@pytest.fixture
def without_spatialdata_io(monkeypatch):
    """Make the library's import fail, as where it is not installed."""
    real = builtins.__import__

    def fails(name, *args, **kwargs):
        if name.split(".")[0] == "spatialdata_io":
            raise ModuleNotFoundError(f"No module named {name!r}", name="spatialdata_io")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fails)


def said(omics, *parts):
    return any(all(part in note for part in parts) for note in omics.notes)


def read_whole(omics):
    """Whether spatialdata-io read it: 0.7.1 has an argument that anndata 0.13 takes no more."""
    return INSTALLED and not said(omics, "reader says", "unexpected keyword argument 'dtype'")


def counts_of(omics, place=0):
    modality = omics.modalities[place]
    features = vendor.GENES if modality.kind is Kind.RNA else modality.table.var_names
    matrix = modality.table[:, list(features)].X
    return matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)


@pytest.fixture(scope="module")
def truth():
    return vendor.section()


def test_xenium(tmp_path, truth):
    vendor.xenium(tmp_path / "outs")
    omics = load(tmp_path / "outs")
    np.testing.assert_allclose(omics.coordinates, truth.obsm["spatial"])
    np.testing.assert_array_equal(counts_of(omics), truth.X)
    assert omics.modalities[0].kind is Kind.RNA
    assert omics.spot_diameter == pytest.approx(DIAMETER)
    assert omics.spots[1] == "aaaaboop-1"
    assert said(omics, "2 features of other types")
    assert said(omics, "no stained picture")


def test_xeniums_protein_and_picture(tmp_path, truth):
    vendor.xenium(tmp_path / "run", protein=True, stain=True)
    omics = load(tmp_path / "run")
    assert omics.names == ("rna", "protein")
    np.testing.assert_allclose(counts_of(omics, 1), truth.obsm["protein"], atol=1 / vendor.SCALING)
    # The picture was upside down and twice as large: it is drawn in the frame of the cells.
    assert omics.image.scale == pytest.approx(2, rel=0.01)
    drawn = omics.image.pixels[::2, ::2][:160, :250]
    tissue = vendor.stained()[..., 1] < 150
    assert np.mean((drawn[..., 1] < 150) == tissue) > 0.98


@pytest.mark.parametrize("lost", ["cells.zarr.zip", "cells.parquet", "experiment.xenium"])
def test_xeniums_tables_serve_alone(tmp_path, truth, lost):
    vendor.xenium(tmp_path / "run", protein=True)
    (tmp_path / "run" / lost).unlink()
    omics = load(tmp_path / "run")
    np.testing.assert_allclose(omics.coordinates, truth.obsm["spatial"])
    np.testing.assert_allclose(counts_of(omics, 1), truth.obsm["protein"], atol=0.001)
    assert omics.spot_diameter == pytest.approx(DIAMETER)


def test_without_the_library_the_tables_serve(tmp_path, truth, without_spatialdata_io):
    vendor.xenium(tmp_path / "xenium")
    vendor.merscope(tmp_path / "merscope")
    for name in ("xenium", "merscope"):
        omics = load(tmp_path / name)
        np.testing.assert_allclose(omics.coordinates, truth.obsm["spatial"])
        assert said(omics, "without outlines", "napari-trsmi[platforms]")
    vendor.mcmicro(tmp_path / "mcmicro")
    with pytest.raises(MissingPackageError, match=r"napari-trsmi\[platforms\]"):
        load(tmp_path / "mcmicro")


def test_a_matrix_alone_brings_its_folder_along(tmp_path, truth):
    vendor.xenium(tmp_path / "run", protein=True)
    omics = load(tmp_path / "run" / "cell_feature_matrix.h5")
    np.testing.assert_allclose(omics.coordinates, truth.obsm["spatial"])
    assert counts_of(omics, 1).max() < 100


def test_a_factor_that_is_none(tmp_path):
    vendor.xenium(tmp_path / "run", protein=True)
    (tmp_path / "run" / "cells.zarr.zip").unlink()
    with h5py.File(tmp_path / "run" / "cell_feature_matrix.h5", "a") as file:
        file.attrs["protein_scaling_factor"] = 0.0
    with pytest.raises(InputError, match=r"protein_scaling_factor is 0\.0"):
        load(tmp_path / "run")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "missing"),
        ("1,2\n3,4\n", "3 x 3"),
        ("x\n", "no matrix"),
        ("1,0,0\n0,0,0\n0,0,1\n", ""),
    ],
)
def test_an_alignment_that_is_none(tmp_path, content, message):
    vendor.xenium(tmp_path / "run", stain=True)
    (alignment,) = (tmp_path / "run").glob("*alignment.csv")
    alignment.unlink()
    if content is not None:
        alignment.write_text(content)
    omics = load(tmp_path / "run")
    assert omics.image is None
    assert said(omics, "he_image.ome.tif is left out", message)


@pytest.mark.parametrize("packed", [False, True])
def test_cosmx_lies_in_the_slides_pixels(tmp_path, truth, packed):
    vendor.cosmx(tmp_path / "run", packed=packed)
    omics = load(tmp_path / "run")
    order = np.lexsort(omics.coordinates.T)
    expected = truth.obsm["spatial"] + (5000, 9000)
    np.testing.assert_allclose(omics.coordinates[order], expected[np.lexsort(expected.T)])
    assert said(omics, "3 rows", "of no cell")
    assert said(omics, "1 control", "NegPrb1")
    assert omics.modalities[0].table.n_vars == len(vendor.GENES)
    assert omics.spot_diameter == pytest.approx(DIAMETER)
    assert load(tmp_path / "run", section="fov=2").n_spots < omics.n_spots


@pytest.mark.parametrize(
    ("written", "size", "by"),
    [
        ("fields", 0.18, "fields of view"),
        ("areas", 0.12028, "areas of cells"),
        ("extent", 0.12028, "extent of its fields"),
        ("prototype", None, "CosMx instruments differ"),
        (None, None, "CosMx instruments differ"),
    ],
)
def test_the_size_of_a_cosmx_pixel_is_what_the_run_tells(tmp_path, written, size, by):
    folder = tmp_path / "run"
    vendor.cosmx(folder)
    for path in folder.glob("*fov_positions_file.csv"):
        path.unlink()
    (path,) = folder.glob("*metadata_file.csv")
    cells = pd.read_csv(path)
    if written == "fields":
        fields = pd.DataFrame({"FOV": [1, 2], "x_global_px": [5000, 9256], "y_global_px": 700})
        fields["x_global_mm"] = fields["x_global_px"] * 0.00018 - 1
        fields["y_global_mm"] = fields["y_global_px"] * 0.00018 + 2
        fields.to_csv(folder / "run_fov_positions_file.csv", index=False)
    elif written == "areas":
        cells["Area.um2"] = cells["Area"] * 0.12028**2
    elif written is not None:
        wide, high = (4200, 4230) if written == "extent" else (5400, 3600)
        cells["CenterX_local_px"] = np.linspace(3, wide, len(cells)).astype(int)
        cells["CenterY_local_px"] = np.linspace(high, 3, len(cells)).astype(int)
    cells.to_csv(path, index=False)
    omics = load(folder)
    assert omics.micrometres_per_unit == (size and pytest.approx(size, rel=1e-3))
    assert said(omics, by)


def test_cosmx_measures_proteins_by_intensity(tmp_path):
    vendor.cosmx(tmp_path / "run")
    (path,) = (tmp_path / "run").glob("*exprMat_file.csv")
    frame = pd.read_csv(path)
    frame[list(vendor.GENES)] += 0.25
    frame.to_csv(path, index=False)
    assert load(tmp_path / "run").modalities[0].kind is Kind.PROTEIN


@pytest.mark.parametrize("outlines", [True, False])
def test_merscope(tmp_path, truth, outlines):
    vendor.merscope(tmp_path / "region_0", outlines=outlines)
    omics = load(tmp_path / "region_0")
    np.testing.assert_allclose(omics.coordinates, truth.obsm["spatial"])
    np.testing.assert_array_equal(counts_of(omics), truth.X)
    assert omics.spots[1] == "1234500000000100013"
    diameter = DIAMETER if outlines and read_whole(omics) else 9
    assert omics.spot_diameter == pytest.approx(diameter, rel=0.01)
    assert "Blank-1" not in omics.modalities[0].table.var_names


def test_two_sections_of_merscope_in_a_folder(tmp_path):
    vendor.merscope(tmp_path / "run", outlines=False)
    for name in ("cell_by_gene", "cell_metadata"):
        file = tmp_path / "run" / f"{name}.csv"
        for number in (1, 2):
            (tmp_path / "run" / f"GSM{number}_{name}_S{number}.csv").write_bytes(file.read_bytes())
        file.unlink()
    with pytest.raises(InputError, match="several sections"):
        load(tmp_path / "run")
    for name in ("cell_by_gene", "cell_metadata"):
        (tmp_path / "run" / f"GSM2_{name}_S2.csv").unlink()
    assert load(tmp_path / "run").n_spots == vendor.N_CELLS


@needs_spatialdata_io
def test_mcmicro_lies_where_its_labels_are(tmp_path, truth):
    vendor.mcmicro(tmp_path / "run")
    omics = load(tmp_path / "run")
    assert omics.names == ("protein",)
    np.testing.assert_allclose(counts_of(omics), truth.obsm["protein"], rtol=1e-5)
    if read_whole(omics):
        labelled = np.floor(truth.obsm["spatial"]) + 0.5
        np.testing.assert_allclose(omics.coordinates, labelled)
        assert omics.spot_diameter == pytest.approx(DIAMETER)
        assert said(omics, "no colour picture")
    else:
        np.testing.assert_allclose(omics.coordinates, truth.obsm["spatial"])


@needs_spatialdata_io
def test_mcmicros_one_table_serves_where_the_reader_fails(tmp_path, truth, monkeypatch):
    import spatialdata_io

    def fails(folder):
        raise TypeError("it knows no such version")

    monkeypatch.setattr(spatialdata_io, "mcmicro", fails)
    vendor.mcmicro(tmp_path / "run")
    omics = load(tmp_path / "run")
    assert omics.names == ("protein",)
    np.testing.assert_allclose(omics.coordinates, truth.obsm["spatial"])
    np.testing.assert_allclose(counts_of(omics), truth.obsm["protein"], rtol=1e-5)
    assert said(omics, "Only exemplar-001--unmicst_cell.csv of run is read", "no such version")
    (tmp_path / "run" / "quantification" / "exemplar-002.csv").touch()
    with pytest.raises(InputError, match="it knows no such version"):
        load(tmp_path / "run")


@needs_spatialdata_io
def test_steinbock_and_one_of_its_pictures(tmp_path, truth):
    vendor.steinbock(tmp_path / "one")
    vendor.steinbock(tmp_path / "two", images=2)
    omics = load(tmp_path / "one")
    np.testing.assert_allclose(omics.coordinates, np.floor(truth.obsm["spatial"]) + 0.5)
    with pytest.raises(InputError, match="Patient1_001_labels and Patient2_001_labels"):
        load(tmp_path / "two")
    assert load(tmp_path / "two", section="Patient2_001_labels").n_spots == vendor.N_CELLS


def test_codex_and_plain_tables_of_cells(tmp_path, truth):
    vendor.codex(tmp_path / "reg001")
    vendor.mcmicro(tmp_path / "mcmicro")
    (table,) = (tmp_path / "mcmicro" / "quantification").iterdir()
    for omics in (load(tmp_path / "reg001"), load({"protein": table})):
        assert omics.modalities[0].kind is Kind.PROTEIN
        np.testing.assert_allclose(omics.coordinates, truth.obsm["spatial"])
        np.testing.assert_allclose(counts_of(omics), truth.obsm["protein"], rtol=1e-5)
        assert said(omics, "describe its cells")


def test_stereo_seq_is_counted_in_bins(tmp_path, truth):
    vendor.stereo_seq(tmp_path / "run")
    (gem,) = (tmp_path / "run").iterdir()
    for given in (tmp_path / "run", gem):
        omics = load(given)
        assert omics.n_spots == vendor.N_CELLS
        assert counts_of(omics).sum() == truth.X.sum()
        assert omics.spot_diameter == 50
        assert said(omics, "25 um (bin 50)")
    x, y = 50 * np.floor(truth.obsm["spatial"][0] / 20).astype(int)
    place = omics.spots.get_loc(f"{x}_{y}")
    np.testing.assert_array_equal(omics.coordinates[place], (x + 25, y + 25))
    np.testing.assert_array_equal(counts_of(omics)[place], truth.X[0])
    assert load(gem, bin_size=50).n_spots < vendor.N_CELLS
    with pytest.raises(InputError, match="names no cells"):
        load(gem, bin_size="cells")


def test_stereo_seq_is_counted_in_its_cells(tmp_path, truth):
    vendor.stereo_seq(tmp_path / "run", cells=True)
    omics = load(tmp_path / "run")
    np.testing.assert_array_equal(counts_of(omics), truth.X)
    assert list(omics.spots[:2]) == ["cell_1", "cell_2"]
    assert load(tmp_path / "run", bin_size=25).spot_diameter == 50


@pytest.mark.parametrize("lines", ["gene\tx\tcount\nA\t1\t1\n", "#FileFormat=GEMv0.1\n"])
def test_lists_that_are_none(tmp_path, lines):
    (tmp_path / "a.gem").write_text(lines)
    with pytest.raises(InputError, match=r"a\.gem"):
        load(tmp_path / "a.gem")


def test_claims_in_a_packed_folder_are_refused(tmp_path):
    from zipfile import ZipFile

    from napari_trsmi.data.reading.zarr_store import check_zarr_zip

    vendor.xenium(tmp_path / "run")
    path = tmp_path / "run" / "cells.zarr.zip"
    check_zarr_zip(path)
    with ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for change in ({"shape": [10**10, 2]}, {"filters": [{"id": "pickle"}]}):
        told = json.loads(members["cell_id/.zarray"]) | change
        with ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
            archive.writestr("cell_id/.zarray", json.dumps(told))
        with pytest.raises(InputError, match=r"claims|pickle"):
            check_zarr_zip(path)


@pytest.mark.parametrize(
    "columns",
    [
        ("x_centroid", "y_centroid"),
        ("X_centroid", "Y_centroid"),
        ("CenterX_global_px", "CenterY_global_px"),
        ("center_x", "center_y"),
        ("x_slide_mm", "y_slide_mm"),
        ("x", "y"),
    ],
)
def test_the_platforms_columns_from_a_csv_and_from_obs(tmp_path, make_table, columns):
    table = make_table(8, spatial=False)
    xy = np.arange(16.0).reshape(8, 2) ** 1.5
    places = pd.DataFrame(xy, table.obs_names, list(columns)).assign(CenterX_local_px=0.0)
    places.to_csv(tmp_path / "cells.csv", index_label="cell_id")
    given = load({"rna": table}, positions=tmp_path / "cells.csv")
    table.obs = table.obs.join(places)
    np.testing.assert_allclose(given.coordinates, xy)
    np.testing.assert_allclose(load({"rna": table}).coordinates, xy)


def test_a_gef_says_how_it_is_converted(tmp_path):
    with h5py.File(tmp_path / "chip.gef", "w") as file:
        file["geneExp/bin1/gene"] = [1]
    with pytest.raises(InputError, match="saw convert gef2gem"):
        load(tmp_path / "chip.gef")
