"""Sections one below the other, for colours, markers and files."""

from __future__ import annotations

import weakref

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest

import napari_trsmi as trsmi
from napari_trsmi.analysis.markers import marker_features
from napari_trsmi.data.stored import StoredMatrix
from napari_trsmi.errors import InputError, TRSMIWarning

FEW = {"n_domains": 3, "all_scales": False, "n_components": 10, "spatial_neighbors": 4}


@pytest.fixture(scope="module")
def loaded(make_sections):
    made = make_sections()
    return trsmi.load_sections(
        {"a": made["a"], "b": {"rna": made["b"]["rna"]}, "c": {"adt": made["c"]["adt"]}}
    )


@pytest.fixture(scope="module")
def run(loaded):
    return trsmi.integrate(loaded, **FEW)


def test_each_value_is_where_it_was_measured(loaded):
    whole = loaded.stacked()
    rna, adt = whole.modalities
    assert list(whole.spots) == list(loaded.spots)
    of = loaded.section_of.to_numpy()
    assert list(rna.measured) == list(of != "c")
    for section, modality in loaded.having("rna"):
        own = modality.table.X
        own = own.toarray() if hasattr(own, "toarray") else own
        np.testing.assert_array_equal(rna.values_of(3)[of == section], own[:, 3])
    assert np.isnan(adt.values_of(0)[of == "b"]).all()
    assert rna.where_measured().table.n_obs == (of != "c").sum()


def test_only_some_sections(loaded, run):
    few = loaded.only(["c", "a"])
    assert list(few.sections) == ["c", "a"]
    assert few.n_spots == 392
    with pytest.raises(InputError, match="no section 'x'"):
        loaded.only(["a", "x"])
    with pytest.raises(InputError, match="One section is named"):
        loaded.only(["a"])


def test_markers_are_of_the_sections_that_have_the_table(loaded, run):
    whole = loaded.stacked()
    found = marker_features(whole, run.domains, "1", modalities=["adt"])
    measured = loaded.section_of.isin(["a", "c"]).to_numpy()
    part = run.domains[measured]
    alone = marker_features(whole, part, "1", modalities=["adt"])
    pd.testing.assert_frame_equal(found, alone)


def test_all_tables_go_out_and_the_run_comes_back_whole(loaded, run, tmp_path):
    path = trsmi.write_result(run, tmp_path / "all.h5mu", dataset=loaded.stacked())
    back = trsmi.read_result(path)
    assert list(back.domains) == list(run.domains)
    assert back.section_names == run.section_names
    written = mudata.read_h5mu(path)
    assert {n: t.shape for n, t in written.mod.items()} == {
        "domains": (588, 0),
        "rna": (392, 40),
        "adt": (392, 12),
    }
    own = written["adt"]
    assert list(own.obs["trsmi_domain"].astype(str)) == list(
        run.domains.loc[own.obs_names].astype(str)
    )


def test_an_h5ad_says_what_it_leaves_out(loaded, run, tmp_path):
    with pytest.warns(TRSMIWarning, match="and not rna and adt"):
        path = trsmi.write_result(run, tmp_path / "all.h5ad", dataset=loaded.stacked())
    assert len(trsmi.read_result(path).domains) == 588


def test_sections_stay_on_the_disk_until_their_turn(make_sections, tmp_path, monkeypatch):
    made, backed = make_sections(), {}
    for name in ("a", "b"):
        path = tmp_path / f"{name}.h5ad"
        made[name]["rna"].write_h5ad(path)
        backed[name] = {"rna": anndata.read_h5ad(path, backed="r")}
    loaded = trsmi.load_sections(backed)
    assert all(modality.stored is not None for _, modality in loaded.having("rna"))
    held, most = [], []
    read = StoredMatrix.in_memory

    def counted(stored):
        found = read(stored)
        held.append(weakref.ref(found))
        most.append(sum(one() is not None for one in held))
        return found

    monkeypatch.setattr(StoredMatrix, "in_memory", counted)
    result = trsmi.integrate(loaded, **FEW)
    assert max(most) == 1
    in_memory = trsmi.integrate({name: {"rna": made[name]["rna"]} for name in backed}, **FEW)
    assert list(result.domains) == list(in_memory.domains)
