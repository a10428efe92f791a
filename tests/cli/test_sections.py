"""Sections on the command line."""

from __future__ import annotations

import click
import pytest

from napari_trsmi import read_result
from napari_trsmi.cli.sections import section_files


def test_tables_are_named_or_called_by_their_file():
    assert section_files(["s1=rna=a.h5ad,protein=b.h5ad", "s2=rna.h5ad"]) == {
        "s1": {"rna": "a.h5ad", "protein": "b.h5ad"},
        "s2": {"rna": "rna.h5ad"},
    }


def test_a_file_that_is_called_so_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rna=a.csv").touch()
    assert section_files(["s=rna=a.csv", "t=x.csv"])["s"] == {"rna=a": "rna=a.csv"}


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (["s1"], "write NAME=FILE"),
        (["s1=a.csv", "s1=b.csv"], "given twice"),
        (["s1=a.csv,x/a.csv", "s2=b.csv"], "two tables 'a'"),
        (["s1=a.csv"], "one section alone"),
    ],
)
def test_what_cannot_be_meant_is_said(given, match):
    with pytest.raises(click.UsageError, match=match):
        section_files(given)


def test_sections_in_files_are_run_together(invoke, make_sections, tmp_path):
    made = make_sections()
    for section in ("a", "b"):
        made[section]["rna"].write_h5ad(tmp_path / f"{section}.h5ad")
    ended = invoke(
        "run",
        *("--section", f"a=rna={tmp_path / 'a.h5ad'}", "--section", f"b=rna={tmp_path / 'b.h5ad'}"),
        *("--n-domains", 3, "--no-all-scales", "--output", tmp_path / "out.h5ad"),
    )
    assert ended.exit_code == 0, ended.output
    assert read_result(tmp_path / "out.h5ad").section_names == ("a", "b")


def test_picking_one_and_running_all_exclude_each_other(invoke, tmp_path):
    ended = invoke(
        *("run", "x.h5ad", "--section", "a", "--library-key", "b", "-o", tmp_path / "o.h5ad")
    )
    assert ended.exit_code == 2
    assert "exclude each other" in ended.output
