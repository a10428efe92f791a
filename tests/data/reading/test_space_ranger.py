import pytest

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
