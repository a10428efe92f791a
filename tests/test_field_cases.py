"""Inputs with the traits of real files, made by ../shared/field_cases: right, or refused and why.

What each case is, and what is right for it, stands in the folder's README. The same faults are
tested piece by piece, on inputs made there, in tests/data.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_trsmi import integrate, load, read_result, write_result
from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.reading.pictures import read_picture
from napari_trsmi.errors import InputError, TRSMIWarning

N = 320


@pytest.fixture(scope="session")
def case(tmp_path_factory):
    """Make a case by its name, once; skip where the cases are absent."""
    beside = Path(__file__).parents[2] / "shared"
    data = Path(os.environ.get("NAPARI_TRSMI_DATA", beside / "data"))
    maker = data.parent / "field_cases" / "make.py"
    if not maker.is_file():
        pytest.skip(f"no field cases at {maker.parent}; set NAPARI_TRSMI_DATA beside their folder")
    out = tmp_path_factory.mktemp("cases")

    @cache
    def make(name: str) -> Path:
        command = [sys.executable, str(maker), str(out), name]
        # R's converters know no strings that may be missing, which anndata 0.13 writes.
        environment = os.environ | {"ANNDATA_ALLOW_WRITE_NULLABLE_STRINGS": "0"}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return out / name

    return make


def said(omics, *parts):
    """Whether some note has all these parts."""
    return any(all(part in note for part in parts) for note in omics.notes)


def test_cellxgene_visium(case):
    path = case("cellxgene_visium") / "cellxgene.h5ad"
    omics = load(path)
    table = omics.modalities[0].table
    assert omics.n_spots == 230
    assert said(omics, "90 spots of 320", "off the tissue")
    assert omics.image.scale == pytest.approx(0.2)
    assert table.var_names[0] == "Abc1"
    assert np.all(table.X.data == np.rint(table.X.data))
    assert load(path, keep="off_tissue").n_spots == 310  # ten have no count


def test_raw_matrix_off_tissue(case):
    folder = case("raw_matrix_off_tissue")
    for name in ("raw_rna.h5ad", "outs/raw_feature_bc_matrix.h5"):
        omics = load(folder / name)
        assert omics.n_spots == 211
        assert said(omics, "109 spots of 320", "off the tissue")
    assert load(folder / "outs").n_spots == 211


@pytest.mark.parametrize("name", ["from_r", "text", "na"])
def test_r_length_one_scalars(case, name):
    omics = load(case("r_length_one_scalars") / f"{name}.h5ad")
    assert omics.image.scale == pytest.approx(0.2)
    assert omics.spot_diameter == (None if name == "na" else 55)
    assert said(omics, "spot_diameter_fullres is 'NA'") == (name == "na")


def test_r_h5ad_index_column(case, tmp_path):
    pytest.importorskip("spatialdata", reason="needs napari-trsmi[spatialdata]")
    from napari_trsmi.output.spatial_data import write_spatialdata

    result = integrate(
        case("r_h5ad_index_column") / "a_rna.h5ad", n_domains=4, epochs=2, n_components=10
    )
    assert any("'_index' of the annotations is called" in n for n in result.record["notes"])
    again = read_result(write_result(result, tmp_path / "out.h5ad"))
    assert list(again.annotations) == list(result.annotations)
    assert write_spatialdata(result, tmp_path / "out.zarr").is_dir()


@pytest.mark.parametrize(
    "name",
    [
        "multi_section_concat/two_sections.h5ad",
        "multi_section_concat/two_sections_noimage.h5ad",
        "multi_section_weak/overlapping.h5ad",
    ],
)
def test_multi_sections(case, name):
    folder, file = name.split("/")
    path = case(folder) / file
    with pytest.raises(InputError, match=r"2 sections \(library_id: s1 and s2\).*--section s1"):
        load({"rna": path})
    both = load({"rna": path}, section="all").n_spots
    one = load({"rna": path}, section="s2")
    assert one.n_spots == both // 2
    assert (one.image is not None) == (file == "two_sections.h5ad")


@pytest.mark.parametrize(
    "name", ["multi_section_concat/two_sections_side_by_side.h5ad", "multi_section_weak/apart.h5ad"]
)
def test_sections_that_lie_apart(case, name):
    folder, file = name.split("/")
    assert said(load({"rna": case(folder) / file}), "2 sections, which lie apart")


RIGHT = {
    **dict.fromkeys(
        ("rgb.png", "noext", "TISSUE.PNG", "planar.ome.tif", "planarcfg.tif", "pyramid.ome.tif"), 0
    ),
    **dict.fromkeys(("thumb_first.tif", "jp2k.svs", "float01.tif", "lzw.btf", "cmyk.tif"), 0.01),
    **dict.fromkeys(("slide.svs", "cmyk.jpg", "exif_rotated.jpg", "palette.png", "rgb.webp"), 4),
    "rgb.jp2": 12,
}
"""Largest mean difference from the picture, in steps of 255."""


@pytest.mark.parametrize("name", RIGHT)
def test_images_in_their_own_colours(case, name):
    folder = case("images")
    expected = np.asarray(Image.open(folder / "rgb.png")).astype(int)
    image = read_picture(folder / name, [])
    assert image.pixels.shape == expected.shape
    assert np.abs(image.pixels - expected).mean() <= RIGHT[name]


def test_images_of_other_depth(case):
    folder = case("images")
    expected = np.asarray(Image.open(folder / "rgb.png")).astype(int)
    sixteen = read_picture(folder / "u16_rgb.tif", []).pixels
    assert np.abs(sixteen - expected * 200 * 255 / 65535).max() <= 1
    for name in ("u16_grey.tif", "u16.png"):
        grey = read_picture(folder / name, []).pixels[..., 0]
        assert np.abs(grey - expected[..., 1] * 200 * 255 / 65535).max() <= 1
    transparent = read_picture(folder / "rgba.png", []).pixels
    blank = expected.min(axis=2) > 225
    assert (transparent[blank] == 255).all()
    np.testing.assert_array_equal(transparent[~blank], expected[~blank])
    with pytest.raises(
        InputError, match=r"fluor4\.ome\.tif is no colour picture: it has 4 channels"
    ):
        read_picture(folder / "fluor4.ome.tif", [])


@pytest.mark.parametrize(("name", "side"), [("fullres.tif", 20_000), ("medium.png", 15_000)])
def test_image_bomb(case, name, side):
    folder = case("image_bomb")
    with warnings.catch_warnings():
        warnings.simplefilter("error", TRSMIWarning)
        omics = load(folder / "rna.h5ad", image=folder / name)
    assert omics.image.pixels.shape == (side // 2, side // 2, 3)
    assert omics.image.scale == 0.5
    assert said(omics, f"{side:,} x {side:,} pixels", "1/2 of its width")
    assert [level.shape[0] for level in omics.image.levels] == ([side] if "tif" in name else [])


def test_sr_aggr(case):
    outs = case("sr_aggr") / "outs"
    for given in ({}, {"positions": outs / "aggr_tissue_positions.csv"}):
        with pytest.raises(InputError, match=r"2 sections \(library_id: A and B\)"):
            load(outs, **given)
        omics = load(outs, section="B", **given)
        assert omics.n_spots == N
        assert omics.spots.str.endswith("-2").all()


def test_sr_mtx_only(case):
    omics = load(case("sr_mtx_only") / "outs")
    assert (omics.n_spots, omics.image.scale) == (N, 0.2)
    assert omics.modalities[0].table.n_vars == 240


def test_hd_outs(case):
    outs = case("hd_outs") / "outs"
    whole = load(outs)
    direct = load(outs / "binned_outputs" / "square_008um")
    assert whole.n_spots == direct.n_spots == N
    np.testing.assert_array_equal(whole.coordinates, direct.coordinates)
    with pytest.raises(InputError, match="has no bins of 16 um, but bins of 8 um"):
        load(outs, bin_size=16)


POSITIONS = (
    *("pos.csv", "pos_de.csv", "pos_bom.csv", "pos_utf16.csv", "pos_crlf.csv", "pos_cr.csv"),
    *("pos_unnamed.csv", "pos_space.txt", "BeadLocationsForR.csv", "cells.csv.gz"),
    *("cell_metadata.csv", "scp_spatial.csv"),
)


@pytest.mark.parametrize("name", POSITIONS)
def test_csv_dialects_of_positions(case, name):
    folder = case("csv_dialects")
    expected = load({"rna": folder / "rna.csv"}, positions=folder / "pos.csv")
    found = load({"rna": folder / "rna.csv"}, positions=folder / name)
    np.testing.assert_array_equal(found.coordinates, expected.coordinates)


@pytest.mark.parametrize(
    "name",
    ["rna_de.csv", "rna_bom.csv", "rna_utf16.csv", "rna_unnamed.csv", "rna_q.csv", "rna.xlsx"],
)
def test_csv_dialects_of_tables(case, name):
    folder = case("csv_dialects")
    if name == "rna.xlsx":
        pytest.importorskip("openpyxl", reason="needs napari-trsmi[excel]")
    expected = load({"rna": folder / "rna.csv"}, positions=folder / "pos.csv")
    found = load({"rna": folder / name}, positions=folder / "pos.csv")
    assert found.digests == expected.digests


def test_csv_names_with_commas(case):
    folder = case("csv_dialects")
    omics = load(folder / "metabolites.tsv", positions=folder / "pos.csv")
    assert omics.modalities[0].kind is Kind.METABOLITE
    assert omics.modalities[0].table.var_names[0] == "PC(16:0,18:1)"


@pytest.mark.parametrize("name", ["rna_genes_x_spots.csv", "rna_t.tsv.gz", "t_rna.h5ad"])
def test_csv_transposed(case, name):
    folder = case("csv_transposed")
    omics = load({"rna": folder / name}, positions=folder / "pos.csv")
    assert omics.n_spots == N
    assert said(omics, "it is turned")
    with pytest.raises(InputError, match="row numbers for names"):
        load({"rna": folder / name}, positions=folder / "pos_noname.csv")


@pytest.fixture
def store(case):
    """Load a store of SpatialData."""
    pytest.importorskip("spatialdata", reason="needs napari-trsmi[spatialdata]")
    folder = case("spatialdata_variants")
    return lambda name, **picked: load(folder / f"{name}.zarr", **picked)


def colors_at(omics):
    columns, rows = np.floor(omics.coordinates * omics.image.scale).astype(int).T
    return omics.image.pixels[rows, columns]


@pytest.mark.parametrize("name", ["multiscale", "microns", "xenium_labels", "ftypes", "two_tables"])
def test_spatialdata_pictures_in_register(store, name):
    plain, found = store("plain"), store(name)
    assert found.n_spots == N
    np.testing.assert_array_equal(colors_at(found), colors_at(plain))


@pytest.mark.parametrize("name", ["translated", "rotated"])
def test_spatialdata_pictures_drawn_anew(store, name):
    plain, found = store("plain"), store(name)
    assert said(found, "drawn anew in the spots' frame")
    x, y = (plain.coordinates[N // 2] / 5).astype(int)
    if name == "translated":  # by 20 and 10 of its pixels
        expected = plain.image.pixels[y - 10, x - 20]
    else:  # by a quarter: x of the picture runs down, y to the left of 430
        expected = plain.image.pixels[430 - 1 - x, y]
    found_there = found.image.pixels[y, x]
    assert np.abs(found_there.astype(int) - expected).max() <= 12  # the picture's grain


def test_spatialdata_sections_bins_and_labels(store):
    with pytest.raises(InputError, match=r"2 sections \(A and B\).*--section A"):
        store("two_sections")
    assert store("two_sections", section="A").image is not None
    other = store("two_sections", section="B")
    assert (other.n_spots, other.image) == (N, None)
    assert said(other, "'heA' shares no coordinate system with the spots")
    assert said(store("two_bins"), "bins of 8 um are used")
    assert store("two_bins", bin_size=16).n_spots == N // 4
    labels = store("labels")
    assert labels.spot_diameter == pytest.approx(2 * np.sqrt(40 * 40 / np.pi), rel=0.01)
    assert np.abs(labels.coordinates - store("plain").coordinates).max() < 1


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("rowcol", "With x and y exchanged"),
        ("y_up", "With y the other way round"),
        ("hires_px", "Taken as pixels of this picture"),
        ("array_units", "columns and rows of the array"),
    ],
)
def test_frame_swapped(case, name, fits):
    with pytest.warns(TRSMIWarning, match=fits):
        omics = load(case("frame_swapped") / f"{name}.h5ad")
    assert said(omics, fits)


@pytest.mark.parametrize("name", ["flat3", "only3d", "coord", "xspatial", "cosmx", "xenium"])
def test_obsm_3d(case, name):
    omics = load(case("obsm_3d") / f"{name}_rna.h5ad")
    assert omics.coordinates.shape == (N, 2)
    assert omics.coordinates[1].tolist() == [400, 300]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("log_rawcounts", "raw is used"),
        ("scaled_rawcounts", "raw is used"),
        ("log_rawcountslayer", "layers['raw_counts'] is used"),
        ("log_countslayer", "layers['counts'] is used"),
    ],
)
def test_raw_scaled(case, name, place):
    folder = case("raw_scaled")
    omics = load(folder / f"{name}_rna.h5ad")
    assert omics.digests == load(folder / "counts_rna.h5ad").digests
    assert said(omics, place)


def test_scaled_without_counts(case):
    folder = case("raw_scaled")
    assert said(load(folder / "scaled_rawlog_rna.h5ad"), "is scaled, and no counts are there")
    assert integrate(folder / "log_only_rna.h5ad", n_domains=2, epochs=1).n_domains == 2


def test_nan_positions(case):
    omics = load(case("nan_positions") / "slidetags_rna.h5ad")
    assert omics.n_spots == 273
    assert said(omics, "47 spots of 320 without a position", "left out")
