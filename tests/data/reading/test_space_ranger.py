import gzip
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import scipy.io

from napari_trsmi import load
from napari_trsmi.data.reading.paths import read_path
from napari_trsmi.data.reading.space_ranger import is_space_ranger, read_space_ranger
from napari_trsmi.errors import InputError


def test_positions_are_x_and_y_in_full_resolution_pixels(space_ranger):
    notes = []
    source = read_space_ranger(space_ranger, notes)
    assert source.table.obsm["spatial"][2].tolist() == [200, 207]
    assert source.table.obs["array_col"].tolist() == [0, 2, 4, 6, 8, 10]
    assert (source.image.scale, source.image.pixels.shape) == (0.2, (200, 200, 3))
    assert source.spot_diameter == 55.5
    assert notes == []


def test_the_old_list_without_a_header_gives_the_same(space_ranger):
    new = space_ranger / "spatial" / "tissue_positions.csv"
    expected = read_space_ranger(space_ranger, []).table
    rows = new.read_text().split("\n", 1)[1]
    new.unlink()
    (space_ranger / "spatial" / "tissue_positions_list.csv").write_text(rows)
    table = read_space_ranger(space_ranger, []).table
    assert table.obsm["spatial"].tolist() == expected.obsm["spatial"].tolist()
    assert table.obs.equals(expected.obs)


def test_low_resolution_where_there_is_no_high(space_ranger):
    (space_ranger / "spatial" / "tissue_hires_image.png").unlink()
    image = read_space_ranger(space_ranger, []).image
    assert (image.scale, image.pixels.shape) == (0.05, (50, 50, 3))


def test_without_scale_factors_the_image_is_left_out(space_ranger):
    (space_ranger / "spatial" / "scalefactors_json.json").unlink()
    notes = []
    source = read_space_ranger(space_ranger, notes)
    assert (source.image, source.spot_diameter) == (None, None)
    assert "no image with a scale factor" in notes[0]


@pytest.mark.parametrize("text", ["{", "[1]", '{"tissue_hires_scalef": "wide"}'])
def test_broken_scale_factors(space_ranger, text):
    (space_ranger / "spatial" / "scalefactors_json.json").write_text(text)
    with pytest.raises(InputError, match=r"scalefactors_json\.json does not hold scale factors"):
        read_space_ranger(space_ranger, [])


def test_spots_without_a_position_are_dropped_and_noted(space_ranger):
    path = space_ranger / "spatial" / "tissue_positions.csv"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("spot3")]
    path.write_text("\n".join(lines))
    notes = []
    table = read_space_ranger(space_ranger, notes).table
    assert "spot3" not in table.obs_names
    assert table.n_obs == 5
    assert notes == ["1 spot of section without a position dropped."]


def test_missing_positions(space_ranger):
    (space_ranger / "spatial" / "tissue_positions.csv").unlink()
    with pytest.raises(InputError, match=r"has no spot positions; it needs tissue_positions\.csv"):
        read_space_ranger(space_ranger, [])


def test_several_matrices_must_be_told_apart(space_ranger):
    matrix = space_ranger / "filtered_feature_bc_matrix.h5"
    other = space_ranger / "s2_filtered_feature_bc_matrix.h5"
    other.write_bytes(matrix.read_bytes())
    with pytest.raises(InputError, match=r"several matrices \(filtered.*, s2_filtered"):
        read_space_ranger(space_ranger, [])
    assert read_space_ranger(space_ranger, [], matrix=other).table.n_obs == 6


def test_the_matrix_alone_brings_its_folder_along(space_ranger):
    notes = []
    source = read_path(space_ranger / "filtered_feature_bc_matrix.h5", notes)
    assert source.table.obsm["spatial"][1].tolist() == [100, 107]
    assert "lies in a Space Ranger folder" in notes[0]


def test_the_pipelines_folder_around_outs(space_ranger, tmp_path):
    (tmp_path / "run").mkdir()
    space_ranger.rename(tmp_path / "run" / "outs")
    assert read_path(tmp_path / "run", []).table.n_obs == 6


def test_other_folders_are_refused(space_ranger, tmp_path):
    assert is_space_ranger(space_ranger)
    (space_ranger / "filtered_feature_bc_matrix.h5").unlink()
    with pytest.raises(InputError, match="section is not a Space Ranger folder"):
        read_path(space_ranger, [])


def write_mtx(folder, table, prefix="", *, packed=True):
    """Write a matrix folder as the pipeline does."""
    folder.mkdir(exist_ok=True)
    scipy.io.mmwrite(folder / f"{prefix}matrix.mtx", table.X.T.astype(int))
    names = "".join(
        f"ENSG{i:011d}\t{name}\tGene Expression\n" for i, name in enumerate(table.var_names)
    )
    (folder / f"{prefix}features.tsv").write_text(names)
    (folder / f"{prefix}barcodes.tsv").write_text("".join(f"{name}\n" for name in table.obs_names))
    for name in ("matrix.mtx", "features.tsv", "barcodes.tsv") if packed else ():
        path = folder / f"{prefix}{name}"
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


@pytest.mark.parametrize("packed", [True, False])
def test_a_matrix_folder_gives_the_same(space_ranger, make_table, packed):
    expected = read_space_ranger(space_ranger, []).table
    (space_ranger / "filtered_feature_bc_matrix.h5").unlink()
    write_mtx(space_ranger / "filtered_feature_bc_matrix", make_table(6), packed=packed)
    read = read_space_ranger(space_ranger, []).table
    assert (read.X != expected.X).nnz == 0
    assert read.var_names.equals(expected.var_names)
    assert read.obsm["spatial"].tolist() == expected.obsm["spatial"].tolist()
    alone = read_path(space_ranger / "filtered_feature_bc_matrix", [])
    assert alone.table.obsm["spatial"].tolist() == expected.obsm["spatial"].tolist()


def test_a_matrix_folder_that_does_not_fit_is_refused(space_ranger, make_table):
    (space_ranger / "filtered_feature_bc_matrix.h5").unlink()
    folder = space_ranger / "filtered_feature_bc_matrix"
    write_mtx(folder, make_table(6), packed=False)
    (folder / "barcodes.tsv").write_text("spot0\n")
    with pytest.raises(InputError, match=r"claims 4 features x 6 spots, but .* 1 barcodes"):
        read_path(space_ranger, [])
    (folder / "barcodes.tsv").unlink()
    with pytest.raises(InputError, match=r"needs barcodes\.tsv beside it"):
        read_path(space_ranger, [])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("general", "skew-symmetric", "is no matrix of counts"),
        ("1 1 ", "x 1 ", "cannot be read"),
        ("1 1 ", "9 1 ", "claims 24 entries and has 23 within its size"),
    ],
)
def test_damaged_matrix_files_end_no_process(space_ranger, make_table, old, new, message):
    folder = space_ranger / "matrix"
    write_mtx(folder, make_table(6), packed=False)
    path = folder / "matrix.mtx"
    path.write_text(
        path.read_text().replace(
            f"\n{old}" if old[0] == "1" else old, f"\n{new}" if old[0] == "1" else new, 1
        )
    )
    with pytest.raises(InputError, match=message):
        read_path(folder, [])


def flatten(space_ranger, prefix, target):
    """Lay a sample's files side by side, compressed, as GEO does."""
    target.mkdir(exist_ok=True)
    shutil.copy(
        space_ranger / "filtered_feature_bc_matrix.h5",
        target / f"{prefix}filtered_feature_bc_matrix.h5",
    )
    for path in (space_ranger / "spatial").iterdir():
        (target / f"{prefix}{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))


def test_geos_flat_files(space_ranger, tmp_path):
    expected = read_space_ranger(space_ranger, [])
    flat = tmp_path / "GSE1"
    flatten(space_ranger, "GSM1_a_", flat)
    read = read_path(flat, [])
    assert read.table.obsm["spatial"].tolist() == expected.table.obsm["spatial"].tolist()
    assert (read.image.scale, read.spot_diameter) == (0.2, 55.5)
    assert (read.image.pixels == expected.image.pixels).all()


def test_one_of_several_samples_in_a_flat_folder(space_ranger, tmp_path):
    flat = tmp_path / "GSE1"
    flatten(space_ranger, "GSM1_", flat)
    positions = space_ranger / "spatial" / "tissue_positions.csv"
    positions.write_text(positions.read_text().replace("100,", "111,"))
    flatten(space_ranger, "GSM2_", flat)
    with pytest.raises(InputError, match=r"several matrices .*section='GSM2'.*--section GSM2"):
        load(flat)
    by_file = load(flat / "GSM2_filtered_feature_bc_matrix.h5")
    assert load(flat, section="GSM2").coordinates.tolist() == by_file.coordinates.tolist()
    assert load(flat, section="GSM1").coordinates[1].tolist() == [100, 107]


@pytest.fixture
def aggregated(space_ranger, make_table, write_10x):
    """Two sections in the same pixels; the endings of the barcodes tell them apart."""
    names = [f"ACGTACGT{end}-{number}" for number in (1, 2) for end in "ACGT"]
    write_10x(space_ranger / "filtered_feature_bc_matrix.h5", make_table(names))
    (space_ranger / "aggregation.csv").write_text("library_id,cloupe_file\nfirst,\nsecond,\n")
    spatial = space_ranger / "spatial"
    for number, library in enumerate(("first", "second"), start=1):
        (spatial / library).mkdir()
        rows = [
            f"ACGTACGT{end}-1,1,0,0,{10 * i},{100 * i + number}" for i, end in enumerate("ACGT")
        ]
        header = "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres"
        (spatial / library / "tissue_positions.csv").write_text("\n".join([header, *rows]))
        for name in ("scalefactors_json.json", "tissue_hires_image.png"):
            shutil.copy(spatial / name, spatial / library / name)
    (spatial / "tissue_positions.csv").unlink()
    return space_ranger


def test_a_section_of_an_aggregated_run(aggregated):
    with pytest.raises(InputError, match=r"2 sections \(library_id: first and second\)"):
        load(aggregated)
    omics = load(aggregated, section="second")
    assert omics.spots.tolist() == [f"ACGTACGT{end}-2" for end in "ACGT"]
    assert omics.coordinates[1].tolist() == [102, 10]
    assert omics.image.scale == 0.2


def test_positions_that_are_passed_are_used(aggregated):
    frame = pd.DataFrame(
        {"x": [5, 6, 7, 8], "y": [1, 2, 3, 4]}, index=[f"ACGTACGT{end}-1" for end in "ACGT"]
    )
    omics = load(aggregated, positions=frame)
    assert omics.coordinates[2].tolist() == [7, 3]
    (aggregated / "spatial" / "first" / "tissue_positions.csv").unlink()
    (aggregated / "spatial" / "second" / "tissue_positions.csv").unlink()
    assert load(aggregated, positions=frame).coordinates[2].tolist() == [7, 3]


@pytest.fixture
def high_definition(space_ranger, tmp_path):
    """Bins of three sizes; only the middle one's matrix is looked into here."""
    outs = tmp_path / "run" / "outs"
    for size in (2, 8, 16):
        shutil.copytree(space_ranger, outs / "binned_outputs" / f"square_{size:03d}um")
    (outs / "spatial").mkdir()
    return outs


def test_bins_are_chosen_by_their_size(high_definition):
    notes = []
    source = read_path(high_definition, notes)
    assert source.label == "square_008um"
    assert "bins of 2 um, bins of 8 um and bins of 16 um: bins of 8 um are used" in notes[0]
    assert "--bin-size 16" in notes[0]
    omics = load(high_definition.parent, bin_size=16)
    assert omics.n_spots == 6
    assert omics.load_arguments["bin_size"] == 16
    with pytest.raises(InputError, match=r"has no bins of 4 um, but bins of 2 um, bins of 8 um"):
        load(high_definition, bin_size=4)
    shutil.rmtree(high_definition / "binned_outputs" / "square_008um")
    assert "bins of 16 um are used" in load(high_definition).notes[0]


def test_bins_are_squares_and_may_have_the_runs_picture(high_definition):
    folder = high_definition / "binned_outputs" / "square_008um" / "spatial"
    omics = load(high_definition)
    assert omics.square_spots
    assert omics.spot_diameter == 55.5  # their side
    picture = folder / "tissue_hires_image.png"
    shutil.move(picture, high_definition / "spatial" / picture.name)
    (folder / "tissue_lowres_image.png").unlink()
    moved = load(high_definition).image
    assert moved.scale == omics.image.scale
    np.testing.assert_array_equal(moved.pixels, omics.image.pixels)


def test_spots_of_visium_are_no_squares(space_ranger):
    assert not load(space_ranger).square_spots


def test_segmented_cells_lie_in_their_outlines(high_definition, make_table, write_10x):
    folder = high_definition / "segmented_outputs"
    shutil.copytree(
        high_definition / "binned_outputs" / "square_008um" / "spatial", folder / "spatial"
    )
    (folder / "spatial" / "tissue_positions.csv").unlink()
    cells = [f"cellid_{number:09d}-1" for number in range(1, 7)]
    write_10x(folder / "filtered_feature_cell_matrix.h5", make_table(cells))
    squares = [
        {
            "type": "Feature",
            "properties": {"cell_id": number},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[x, 0], [x + 10, 0], [x + 10, 20], [x, 20], [x, 0]]],
            },
        }
        for number in range(1, 7)
        for x in [100 * number]
    ]
    (folder / "cell_segmentations.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": squares})
    )
    omics = load(high_definition, bin_size="cells")
    assert omics.coordinates[2].tolist() == [305, 10]
    assert omics.spot_diameter == pytest.approx(2 * np.sqrt(200 / np.pi))
    assert not omics.square_spots
