from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_trsmi.errors import InputError, OutputError
from trsmi_benchmark.rows import RowsFile, latest, packed, read_rows, unpacked


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows.jsonl"


def test_a_row_survives_the_disk(path, make_row):
    row = make_row("a", 50.0, common=40.0, notes=("one", "two"))
    RowsFile(path).append(row)
    assert read_rows([path]) == [row]
    assert RowsFile(path).find(row.key) == row
    assert RowsFile(path).find(("noisy", "a", 1, "0")) is None


def test_pandas_reads_rows(path, make_row):
    file = RowsFile(path)
    file.append(make_row("a", 50.0))
    file.append(make_row("b", None, status="failed", message="x"))
    table = pd.read_json(path, lines=True)
    assert list(table.method) == ["a", "b"]
    assert table.scores[0]["own"]["domain"]["ARI"] == 50


def test_the_last_row_of_a_key_and_the_last_begun_of_a_run_count(path, make_row):
    file = RowsFile(path)
    file.append(make_row("a", 1.0))
    file.append(make_row("a", 2.0))
    file.append(make_row("a", 3.0, settings="1", started="2026-05-01T00:00:00.000+00:00"))
    file.append(make_row("a", 4.0, settings="2", started="2026-03-01T00:00:00.000+00:00"))
    found = [row.scores["own"]["domain"]["ARI"] for row in file.rows()]
    assert found == [2.0, 3.0, 4.0]
    (row,) = latest(read_rows([path]))
    assert row.scores["own"]["domain"]["ARI"] == 3.0


def test_what_a_lost_machine_cut_short_is_left_out(path, make_row):
    file = RowsFile(path)
    for method in "abc":
        file.append(make_row(method, 1.0))
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    resumed = RowsFile(path)
    assert [row.method for row in resumed.rows()] == ["a", "b"]
    resumed.append(make_row("d", 1.0))
    assert [row.method for row in read_rows([path])] == ["a", "b", "d"]
    path.write_bytes(whole[:20])  # before the first row was whole
    assert RowsFile(path).rows() == []


def test_two_commands_may_write_to_one_file(path, make_row):
    one, other = RowsFile(path), RowsFile(path)
    one.append(make_row("a", 1.0))
    other.append(make_row("b", 1.0))
    one.append(make_row("c", 1.0))
    assert [row.method for row in read_rows([path])] == ["a", "b", "c"]


def test_a_folder_has_all_its_files(tmp_path, make_row):
    for name in ("two", "one"):
        RowsFile(tmp_path / f"{name}.jsonl").append(make_row(name, 1.0))
    assert [row.method for row in read_rows([tmp_path])] == ["one", "two"]


def test_other_files_are_refused_and_unchanged(tmp_path, path):
    for text, words in (
        ("not JSON\nat all\n", "holds no rows"),
        ('{"a": 1}\n', "line 1 is no row"),
        ("[1, 2]\n", "line 1 is no row"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            RowsFile(path)
        assert path.read_text() == text
    with pytest.raises(InputError, match="no rows in"):
        read_rows([tmp_path / "missing.jsonl"])
    path.unlink()
    with pytest.raises(InputError, match="no rows in"):
        read_rows([tmp_path])


def test_a_failed_write_is_explained(tmp_path, make_row):
    file = RowsFile(tmp_path / "missing" / "rows.jsonl")
    with pytest.raises(OutputError, match="Cannot write to"):
        file.append(make_row("a", 1.0))


def test_a_row_is_one_line(path, make_row):
    RowsFile(path).append(make_row("a", None, status="failed", message="one\ntwo"))
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["message"] == "one\ntwo"


@given(st.lists(st.integers(1, 255)))
def test_domains_survive_as_text(numbers):
    domains = np.array(numbers, dtype=np.int64)
    np.testing.assert_array_equal(unpacked(packed(domains)), domains)
