from pathlib import Path

import mudata
import numpy as np
import pytest

from napari_trsmi.data.reading.inputs import read_inputs
from napari_trsmi.errors import InputError

# The libraries' own notices while a test writes its input.
pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning:mudata",
    "ignore::UserWarning:mudata",
    "ignore:Writing zarr v2:UserWarning",
)


def summary(tables):
    return [(s.key, s.label, s.file_name) for s in read_inputs(tables, [])]


def test_a_dict_a_list_and_a_prefix_name_tables(tmp_path, make_table):
    table, path = make_table(), tmp_path / "a.h5ad"
    table.write_h5ad(path)
    assert summary({"rna": table, " adt ": path}) == [
        ("rna", "'rna'", ""),
        ("adt", "'adt' (a.h5ad)", "a.h5ad"),
    ]
    assert summary([table, f"gene activity={path}"]) == [
        (None, "#1 (AnnData)", ""),
        ("gene activity", "'gene activity' (a.h5ad)", "a.h5ad"),
    ]
    assert summary(str(path)) == [(None, "a.h5ad", "a.h5ad")]
    assert summary({"rna": table.to_df()}) == [("rna", "'rna'", "")]


def test_a_file_with_an_equals_sign_is_a_file(tmp_path, make_table, monkeypatch):
    make_table().write_h5ad(tmp_path / "rna=1.h5ad")
    monkeypatch.chdir(tmp_path)
    assert summary("rna=1.h5ad")[0][0] is None
    assert summary(str(tmp_path / "rna=1.h5ad"))[0][0] is None


def test_equal_file_names_are_told_apart(tmp_path, make_table):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "t.h5ad")
        make_table().write_h5ad(paths[-1])
    assert [label for _, label, _ in summary(paths)] == list(map(str, paths))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([], "There are no tables. Pass an AnnData"),
        ({}, "There are no tables"),
        (3, r"#1 \(int\) is no table. Pass an AnnData"),
        ({"rna": None}, "'rna' is no table"),
        ({"a/b": "x.h5ad"}, "'a/b' is no name for a table"),
        ({1: "x.h5ad"}, "1 is no name for a table"),
        ({"": "x.h5ad"}, "'' is no name for a table"),
        (["rna=gone.h5ad"], r"There is no file gone\.h5ad"),
    ],
)
def test_what_is_no_table(tables, message):
    with pytest.raises(InputError, match=message):
        read_inputs(tables, [])


@pytest.fixture
def mu(make_table):
    rna, adt = make_table(6, spatial=False), make_table(5, spatial=False)
    rna.obs["layer"] = list("abcdef")
    data = mudata.MuData({"rna": rna, "prot": adt})
    data.obs["donor"] = [f"d{i}" for i in range(6)]
    data.obsm["spatial"] = np.arange(12.0).reshape(6, 2)
    return data


def test_a_mudata_shares_its_coordinates_and_annotations(mu):
    rna, prot = read_inputs(mu, [])
    assert (rna.key, rna.label) == ("rna", "'rna' of #1 (MuData)")
    assert prot.table.obsm["spatial"].tolist() == np.arange(10.0).reshape(5, 2).tolist()
    assert rna.table.obs["layer"].tolist() == list("abcdef")
    assert prot.table.obs["donor"].tolist() == [f"d{i}" for i in range(5)]
    assert "spatial" not in mu["rna"].obsm


def test_a_modality_keeps_its_own_coordinates(mu):
    mu["rna"].obsm["spatial"] = np.ones((6, 2))
    assert (read_inputs(mu, [])[0].table.obsm["spatial"] == 1).all()


def test_a_part_of_a_mudata_keeps_its_named_layers(mu):
    mu["rna"].layers["log"] = mu["rna"].X.log1p()
    rna = read_inputs(mu[:4], [])[0].table
    assert (mu["rna"].X[:4] != rna.X).nnz == 0
    assert (rna.layers["log"] != mu["rna"].layers["log"][:4]).nnz == 0


def test_a_mudata_that_repeats_a_spot(mu):
    mu["prot"].obs_names = ["a", "a", "b", "c", "d"]
    with pytest.raises(InputError, match=r"'prot' of #1 \(MuData\) repeats 1 spot name, first 'a'"):
        read_inputs(mu, [])


def test_a_name_picks_a_table_out_of_a_file_with_several(mu, tmp_path):
    mu.write_h5mu(tmp_path / "m.h5mu")
    assert summary({"prot": mu})[0][:2] == ("prot", "'prot'")
    picked = read_inputs(f"adt={tmp_path / 'm.h5mu'}", [])
    assert [(s.key, s.label, s.table.n_obs) for s in picked] == [("adt", "'adt' (m.h5mu)", 5)]
    with pytest.raises(InputError, match=r"several tables \('rna', 'prot'\).* 'atac'"):
        read_inputs({"atac": mu}, [])
    only = mudata.MuData({"x": mu["rna"]})
    assert summary({"rna": only}) == [("rna", "'rna'", "")]


def test_home_is_expanded(tmp_path, make_table, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    make_table().write_h5ad(tmp_path / "t.h5ad")
    assert summary(Path("~/t.h5ad"))[0][1] == "t.h5ad"
