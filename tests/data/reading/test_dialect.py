"""Text tables as people have them."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from napari_trsmi.data.reading.delimited import positions_from_frame, read_frame, read_matrix
from napari_trsmi.errors import InputError

NAMES = ["001", "s2", "s3", "s4", "s5"]
MATRIX = pd.DataFrame(
    np.arange(15).reshape(5, 3) + 0.5, index=NAMES, columns=["PC(16:0,18:1)", "a b", "N,N-x"]
)
PLACES = pd.DataFrame({"spot": NAMES, "x": np.arange(5) + 0.25, "y": np.arange(5) * 2 + 0.5})

WRITTEN = {
    "plain.csv": {},
    "bom.csv": {"encoding": "utf-8-sig", "lineterminator": "\r\n"},
    "utf16.csv": {"encoding": "utf-16"},
    "cr.csv": {"lineterminator": "\r"},
    "german.csv": {"sep": ";", "decimal": ","},
    "german.tsv": {"sep": "\t", "decimal": ","},
    "quoted.csv": {"quoting": csv.QUOTE_ALL},
    "pipes.txt": {"sep": "|"},
    "tabs.tsv": {"sep": "\t"},
    "packed.csv.gz": {},
}


@pytest.mark.parametrize("name", WRITTEN)
def test_matrices(tmp_path, name):
    MATRIX.to_csv(tmp_path / name, **WRITTEN[name])
    read = read_matrix(tmp_path / name)
    assert read.index.tolist() == NAMES
    assert read.columns.tolist() == MATRIX.columns.tolist()
    np.testing.assert_array_equal(read.to_numpy(), MATRIX.to_numpy())


@pytest.mark.parametrize("name", [*WRITTEN, "blanks.txt"])
def test_positions(tmp_path, name):
    PLACES.to_csv(tmp_path / name, index=False, **WRITTEN.get(name, {"sep": " "}))
    found = positions_from_frame(read_frame(tmp_path / name), name).frame
    assert found.index.tolist() == NAMES
    np.testing.assert_array_equal(found.to_numpy(), PLACES[["x", "y"]].to_numpy())


def test_latin_letters_of_an_old_program(tmp_path):
    (tmp_path / "a.csv").write_bytes("spot,µm\ns1,1\ns2,2\n".encode("cp1252"))
    assert read_matrix(tmp_path / "a.csv").columns.tolist() == ["µm"]


def test_row_numbers_before_the_names(tmp_path):
    MATRIX.reset_index(names="").to_csv(tmp_path / "a.csv")
    assert read_matrix(tmp_path / "a.csv").index.tolist() == NAMES
    PLACES.to_csv(tmp_path / "b.csv")
    assert positions_from_frame(read_frame(tmp_path / "b.csv"), "b").frame.index.tolist() == NAMES


def test_the_portals_second_header(tmp_path):
    (tmp_path / "a.csv").write_text("NAME,X,Y\nTYPE,numeric,numeric\ns1,1.5,2\ns2,3,4\n")
    found = positions_from_frame(read_frame(tmp_path / "a.csv"), "a").frame
    assert found.loc["s1"].tolist() == [1.5, 2]
    assert len(found) == 2


def test_workbooks(tmp_path):
    pytest.importorskip("openpyxl", reason="needs napari-trsmi[excel]")
    MATRIX.to_excel(tmp_path / "a.xlsx")
    pd.testing.assert_frame_equal(read_matrix(tmp_path / "a.xlsx"), MATRIX, check_names=False)
    PLACES.to_excel(tmp_path / "b.xlsx", index=False)
    found = positions_from_frame(read_frame(tmp_path / "b.xlsx"), "b").frame
    assert found.loc["001"].tolist() == [0.25, 0.5]


def test_the_sheet_that_is_a_table(tmp_path):
    pytest.importorskip("openpyxl", reason="needs napari-trsmi[excel]")
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame({"about": ["words"]}).to_excel(book, sheet_name="README", index=False)
        MATRIX.to_excel(book, sheet_name="counts")
    pd.testing.assert_frame_equal(read_matrix(tmp_path / "a.xlsx"), MATRIX, check_names=False)
    with pd.ExcelWriter(tmp_path / "b.xlsx") as book:
        MATRIX.to_excel(book, sheet_name="one")
        MATRIX.to_excel(book, sheet_name="two")
    with pytest.raises(InputError, match=r"2 sheets with tables of numbers \('one', 'two'\)"):
        read_matrix(tmp_path / "b.xlsx")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "before", ["# written by a program, version 2\n", "\n# a\n# b, c, d, e, f\n\n", "#"]
)
def test_comments_before_the_header(tmp_path, before, end):
    text = before + MATRIX.to_csv(index_label="spot", sep=";")
    (tmp_path / "a.csv").write_bytes(text.replace("\n", end).encode())
    read = read_matrix(tmp_path / "a.csv")
    assert read.index.tolist() == NAMES
    assert read.columns.tolist() == MATRIX.columns.tolist()
    np.testing.assert_array_equal(read.to_numpy(), MATRIX.to_numpy())


def test_a_separator_at_the_end_of_each_line(tmp_path):
    lines = MATRIX.to_csv(sep=";").splitlines()
    (tmp_path / "a.csv").write_text("".join(f"{line};\n" for line in lines))
    pd.testing.assert_frame_equal(read_matrix(tmp_path / "a.csv"), MATRIX, check_names=False)


@pytest.mark.parametrize("text", ["<!DOCTYPE html><html>404</html>", '{"message": "no"}'])
def test_pages_of_the_web_are_told(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=r"page of the web or JSON.*Download the file itself"):
        read_matrix(tmp_path / "a.csv")


def test_lines_with_too_many_fields_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("spot,a\ns1,1\ns2,2,3,4\n")
    with pytest.raises(InputError, match="line 3 has 4 fields, and those above have 2"):
        read_matrix(tmp_path / "a.csv")


def test_fragments_are_to_be_counted_first(tmp_path):
    line = "chr1\t100\t200\tACGT-1\t2\n"
    for name in ("fragments.tsv", "other.tsv"):
        (tmp_path / name).write_text("# id=x\n" + line * 5 if name[0] == "o" else line * 5)
        with pytest.raises(InputError, match=r"lists fragments.*Count them in peaks first"):
            read_matrix(tmp_path / name)


def test_what_is_no_text_says_so(tmp_path):
    (tmp_path / "a.csv").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InputError, match=r"a\.csv is no text"):
        read_matrix(tmp_path / "a.csv")
