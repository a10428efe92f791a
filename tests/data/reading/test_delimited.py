import gzip

import numpy as np
import pandas as pd
import pytest

from napari_trsmi.data.reading.delimited import (
    is_delimited,
    is_positions,
    positions_from_frame,
    read_frame,
    read_matrix,
    table_from_frame,
)
from napari_trsmi.errors import InputError


@pytest.mark.parametrize("name", ["a.csv", "a.TSV", "a.txt", "a.csv.gz"])
def test_text_tables_are_told_by_name(tmp_path, name):
    assert is_delimited(tmp_path / name)
    assert not is_delimited(tmp_path / "a.h5ad")


@pytest.mark.parametrize(
    "text",
    [
        ",g1,g2\n001,1,2\n002,3,4\n",
        '"","g1","g2"\n"001",1,2\n"002",3,4\n',
        "spot;g1;g2\n 001;1;2\n002;3;4\n",
        "spot\tg1\tg2\n001\t1\t2\n002\t3\t4\n",
        "g1\tg2\n001\t1\t2\n002\t3\t4\n",  # R's write.table
    ],
)
def test_separators_headers_and_names_with_zeros(tmp_path, text):
    path = tmp_path / "m.txt"
    path.write_text(text)
    matrix = read_matrix(path)
    assert matrix.index.tolist() == ["001", "002"]
    assert matrix.columns.tolist() == ["g1", "g2"]
    assert matrix.to_numpy().tolist() == [[1, 2], [3, 4]]


def test_compressed_text(tmp_path):
    path = tmp_path / "m.csv.gz"
    path.write_bytes(gzip.compress(b"spot,g\na,1\n"))
    assert read_matrix(path).loc["a", "g"] == 1


def test_repeated_columns_keep_their_name(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("spot,CD3,CD3\na,1,2\n")
    assert read_matrix(path).columns.tolist() == ["CD3", "CD3"]


def test_a_frame_becomes_a_table():
    table = table_from_frame(pd.DataFrame({"g": [1, 2]}, index=[7, 8]), "t", [])
    assert table.obs_names.tolist() == ["7", "8"]
    assert table.X.dtype == np.float32


def test_columns_that_are_no_numbers_are_named():
    frame = pd.DataFrame({"g": [1], **{f"t{i}": ["x"] for i in range(7)}})
    with pytest.raises(InputError, match=r"Table t .*: 't0', 't1', 't2', 't3', 't4' and 2 more"):
        table_from_frame(frame, "t", [])


@pytest.mark.parametrize(
    ("columns", "picked"),
    [
        (["barcode", "row", "col", "imagerow", "imagecol"], ("imagecol", "imagerow")),
        (["barcode", "imagecol", "imagerow", "X", "Y"], ("X", "Y")),
        (["barcode", "row", "col"], ("col", "row")),
        (["barcode", "array_row", "array_col"], ("array_col", "array_row")),
        (
            ["barcode", "row", "col", "pxl_row_in_fullres", "pxl_col_in_fullres"],
            ("pxl_col_in_fullres", "pxl_row_in_fullres"),
        ),
    ],
)
def test_the_order_of_preference_among_columns(columns, picked):
    frame = pd.DataFrame([["s1", *range(1, len(columns))]], columns=columns)
    found = positions_from_frame(frame, "p")
    assert found.columns == picked
    assert found.frame.loc["s1"].tolist() == [frame[picked[0]][0], frame[picked[1]][0]]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": [1], "y": [2], "index": [0], "barcode": ["s1"]}),
        pd.DataFrame({"x": [1], "y": [2], "Spot": ["s1"]}),
        pd.DataFrame({"x": [1], "y": [2], "whatever": ["s1"]}),
        pd.DataFrame({"x": [1], "y": [2], "cell": ["other"]}, index=["s1"]),
        pd.DataFrame({"x": ["1"], "y": ["2"], "barcode": ["s1"]}, index=[5]),
    ],
)
def test_where_the_names_are(frame):
    assert positions_from_frame(frame, "p").frame.loc["s1"].tolist() == [1, 2]


def test_no_coordinate_columns_list_what_there_is():
    with pytest.raises(InputError, match=r"p has no coordinate columns, only 'a', 'b'\. .*x, y;"):
        positions_from_frame(pd.DataFrame({"a": [1], "b": [2]}), "p")


def test_coordinates_that_are_no_numbers():
    frame = pd.DataFrame({"spot": ["s1"], "x": ["left"], "y": [1]})
    with pytest.raises(InputError, match=r"Columns x and y of p do not hold numbers.*left"):
        positions_from_frame(frame, "p")


def test_space_rangers_positions_without_a_header_and_parquet(tmp_path):
    path = tmp_path / "tissue_positions_list.csv"
    path.write_text("AAC-1,1,0,2,2546,2779\nAAG-1,0,1,1,2666,2848\n")
    frame = read_frame(path)
    assert positions_from_frame(frame, "p").frame.loc["AAC-1"].tolist() == [2779, 2546]
    pytest.importorskip("pyarrow")
    frame.to_parquet(tmp_path / "tissue_positions.parquet")
    parquet = read_frame(tmp_path / "tissue_positions.parquet")
    pd.testing.assert_frame_equal(parquet, frame)


def test_names_of_digits_stay_as_they_are(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("spot,x,y\n007,1,2.5\n")
    assert positions_from_frame(read_frame(path), "p").frame.loc["007"].tolist() == [1, 2.5]


def test_rows_with_more_fields_than_the_header(tmp_path):
    (tmp_path / "m.csv").write_text("spot,g1\na,b,1,2\nc,d,3,4\n")
    with pytest.raises(InputError, match=r"Table m has 2 names for a row.* as many fields"):
        table_from_frame(read_matrix(tmp_path / "m.csv"), "m", [])
    with pytest.raises(InputError, match="2 names for a row"):
        positions_from_frame(read_frame(tmp_path / "m.csv"), "p")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("barcode,x,y", True),
        (",pxl_col_in_fullres,pxl_row_in_fullres", True),
        ("cell_id,x_centroid,y_centroid,cell_area", True),
        ("AAAC-1,1,0,5,100,200", True),  # Space Ranger's, without a header
        ("cell,x,y,CD3,CD4", False),
        ("spot,CD3,CD4", False),
    ],
)
def test_a_table_of_positions_is_told_by_its_header(tmp_path, header, expected):
    path = tmp_path / "table.csv"
    width = header.count(",")
    path.write_text(f"{header}\nb" + ",1" * width + "\nc" + ",2" * width + "\n")
    assert is_positions(path) is expected
