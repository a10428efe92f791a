import numpy as np
import pandas as pd
import pytest

from napari_trsmi.data.coordinates import coordinates, given_positions
from napari_trsmi.data.parts import Source
from napari_trsmi.errors import InputError


@pytest.fixture
def source(make_table):
    return Source("'rna'", make_table(4))


def place(sources, positions=None, spots=None):
    notes = []
    index = sources[0].table.obs_names if spots is None else pd.Index(spots)
    return coordinates(sources, positions, index, notes)[1], notes


def with_xy(source, values, key="spatial"):
    table = source.table.copy()
    table.obsm.pop("spatial", None)
    table.obsm[key] = values
    return Source(source.label, table)


def test_they_follow_the_spots(source):
    xy, notes = place([source], spots=["spot3", "spot1"])
    assert xy.tolist() == [[3, 9], [1, 1]]
    assert xy.dtype == np.float64
    assert notes == []


def test_x_spatial_and_a_data_frame_in_row_and_column_order(source):
    xy, _ = place([with_xy(source, source.table.obsm["spatial"], "X_spatial")])
    assert xy[3].tolist() == [3, 9]
    frame = pd.DataFrame(
        {"imagerow": [5, 6, 7, 8], "imagecol": [1, 2, 3, 4]}, index=source.table.obs_names
    )
    xy, _ = place([with_xy(source, frame)])
    assert xy[0].tolist() == [1, 5]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.ones((4, 1)),
            r"obsm\['spatial'\] of table 'rna' is one-dimensional \(shape \(4, 1\)\)",
        ),
        (
            np.arange(12).reshape(4, 3),
            r"shape \(4, 3\). Pass two columns, x and y: .*values\[:, :2\]",
        ),
        (np.full((4, 2), np.nan), r"No spot of table 'rna' has a position.*positions="),
        (
            np.array([[0, 0], [1, 1], [2, 1e154], [3, 3]]),
            r"Spot 'spot2' of table 'rna' lies at \(2, 1e\+154\), which is no place on a slide",
        ),
        (np.ones((4, 2)), r"All 4 spots of table 'rna' lie at one place \(1, 1\)"),
        (np.array([["a", "b"]] * 4), "does not hold numbers"),
    ],
)
def test_unusable_coordinates_are_named(source, values, message):
    with pytest.raises(InputError, match=message):
        place([with_xy(source, values)])


def test_tables_may_differ_by_rounding_only(source, make_table):
    moved = Source("'adt'", make_table(4))
    moved.table.obsm["spatial"] = moved.table.obsm["spatial"] + 1e-6
    assert place([source, moved])[0][3].tolist() == [3, 9]
    moved.table.obsm["spatial"][2] = [7, 7]
    with pytest.raises(
        InputError,
        match=r"coordinates of 1 spot differ between table 'rna' and table 'adt', "
        r"first 'spot2': \(2, 4\) and \(7, 7\)",
    ):
        place([source, moved])


def test_no_coordinates_say_how_to_pass_them(make_table):
    with pytest.raises(InputError, match=r"Table 'rna' has no coordinates.*positions="):
        place([Source("'rna'", make_table(4, spatial=False))])


def test_columns_of_obs_are_the_last_resort(make_table):
    table = make_table(4, spatial=False)
    table.obs["array_row"], table.obs["array_col"] = [1, 2, 3, 4], [5, 6, 7, 8]
    xy, notes = place([Source("'rna'", table)])
    assert xy[0].tolist() == [5, 1]
    assert notes == ["Coordinates are the obs columns array_col and array_row of table 'rna'."]


def test_given_positions_win_and_it_is_noted(source):
    broken = with_xy(source, np.ones((4, 3)))  # what they replace need not be usable
    notes = []
    given = given_positions({f"spot{i}": (i, -i) for i in range(4)}, broken, notes)
    xy, notes = place([broken], given)
    assert xy[2].tolist() == [2, -2]
    assert notes == ["The positions given replace those of table 'rna'."]


def test_an_array_follows_the_first_table_and_must_fit(source):
    notes = []
    frame = given_positions([[0, 1], [2, 3], [4, 5], [6, 7]], source, notes)
    assert frame.loc["spot2"].tolist() == [4, 5]
    assert notes == ["Row i of the positions is taken as spot i of table 'rna'."]
    with pytest.raises(InputError, match="positions has 3 rows, but the first table 4 spots"):
        given_positions(np.zeros((3, 2)), source, [])
    with pytest.raises(InputError, match="positions is one-dimensional"):
        given_positions(np.arange(4), source, [])


def test_a_table_of_positions_is_read_by_its_columns(source):
    notes = []
    frame = pd.DataFrame({"barcode": ["spot1", "spot0"], "y": [1, 2], "x": [3, 4]})
    assert given_positions(frame, source, notes).loc["spot0"].tolist() == [4, 2]
    assert notes == ["Coordinates x, y are the columns x and y of positions."]


def test_positions_that_name_a_spot_twice(source):
    frame = pd.DataFrame({"barcode": ["spot1", "spot1"], "y": [1, 2], "x": [3, 4]})
    with pytest.raises(InputError, match="positions repeats 1 spot name, first 'spot1'"):
        given_positions(frame, source, [])


def test_missing_and_empty_position_files(source, tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*gone\.csv"):
        given_positions(tmp_path / "gone.csv", source, [])
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InputError, match=r"empty\.csv is empty"):
        given_positions(str(tmp_path / "empty.csv"), source, [])


def test_spots_without_a_place_are_left_out_and_named(source):
    notes = []
    values = np.array([[0, 0], [1, np.nan], [np.inf, 2], [3, 3]])
    spots, xy = coordinates([with_xy(source, values)], None, source.table.obs_names, notes)
    assert spots.tolist() == ["spot0", "spot3"]
    assert xy.tolist() == [[0, 0], [3, 3]]
    assert notes == ["2 spots of 4 without a position in table 'rna' left out (first 'spot1')."]


def test_another_table_places_a_spot_that_has_none(source, make_table):
    values = source.table.obsm["spatial"].copy()
    values[1] = np.nan
    assert place([with_xy(source, values), Source("'adt'", make_table(4))])[0][1].tolist() == [1, 1]


def test_three_columns_with_one_z_are_flat(source):
    values = np.column_stack([source.table.obsm["spatial"], np.full(4, 7.0)])
    assert place([with_xy(source, values)])[0][3].tolist() == [3, 9]


@pytest.mark.parametrize("key", ["spatial3d", "X_spatial", "coord", "Spatial"])
def test_other_keys_of_obsm(source, key):
    xy, _ = place([with_xy(source, source.table.obsm["spatial"], key)])
    assert xy[2].tolist() == [2, 4]


@pytest.mark.parametrize(
    "names",
    [
        ("x_centroid", "y_centroid"),
        ("CenterX_global_px", "CenterY_global_px"),
        ("center_x", "center_y"),
    ],
)
def test_platforms_columns_in_obs(make_table, names):
    table = make_table(4, spatial=False)
    table.obs[names[0]], table.obs[names[1]] = [1, 2, 3, 4], [5, 6, 7, 8]
    assert place([Source("'rna'", table)])[0][1].tolist() == [2, 6]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["10x20", "11x20", "10x21"], [11, 20]),
        (["s_008um_00002_00001-1", "s_008um_00005_00003-1", "s_008um_00002_00003-1"], [3, 5]),
    ],
)
def test_names_that_are_places(make_table, names, expected):
    xy, notes = place([Source("'rna'", make_table(names, spatial=False))])
    assert xy[1].tolist() == expected
    assert notes[0].startswith("Coordinates are the numbers in the spots' names")
