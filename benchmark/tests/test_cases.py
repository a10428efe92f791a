from __future__ import annotations

from dataclasses import replace

import pytest

from napari_trsmi.errors import InputError
from trsmi_benchmark.data.cases import Case, data_folder
from trsmi_benchmark.data.sections import CASES, chosen_cases

TINY = Case("a", "A", "simulations", "A", setting="published", n_spots=70)


def test_cases_are_chosen_by_name():
    assert [case.name for case in chosen_cases(("tumour_her2_a1",))] == ["tumour_her2_a1"]
    assert chosen_cases(()) == list(CASES.values())
    states = chosen_cases(("states",))
    assert {case.group for case in states} == {"states"}
    with pytest.raises(InputError, match="no data set 'brain'"):
        chosen_cases(("brain",))


def test_what_is_not_here_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TRSMI_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    said = CASES["tumour_her2_a1"].missing()
    assert "tumour_her2_a1 is left out" in said
    assert str(tmp_path / "her2_a1" / "rna.h5ad") in said
    assert CASES["simulated_noisy"].missing() == ""
    monkeypatch.delenv("NAPARI_TRSMI_DATA")
    assert data_folder().parts[-2:] == ("shared", "data")


def test_only_a_simulation_has_another_size():
    small = CASES["simulated_noisy"].of_size(90)
    assert (small.name, small.n_spots) == ("simulated_noisy@90", 90)
    assert small.load().data.n_spots == 90
    assert CASES["tumour_her2_a1"].of_size(90) is CASES["tumour_her2_a1"]


def test_the_digest_is_that_of_the_data():
    loaded, again = TINY.load(), TINY.load()
    assert loaded.digest == again.digest != TINY.of_size(71).load().digest
    assert loaded.n_domains == 5


def test_a_column_of_labels_must_be_there():
    with pytest.raises(InputError, match="has no column 'layer'"):
        replace(TINY, labels="layer").load()


def test_every_case_has_a_group_and_sections_of_a_study_are_of_one():
    groups = {case.study: set() for case in CASES.values()}
    for case in CASES.values():
        groups[case.study].add(case.group)
    assert all(len(found) == 1 for found in groups.values())
    sizes = {study: sum(c.study == study for c in CASES.values()) for study in groups}
    assert (sizes["Cortex"], sizes["HER2 tumours"], sizes["Lymph node"]) == (4, 4, 2)


@pytest.mark.parametrize(
    ("name", "n_spots", "n_domains", "kinds"),
    [
        ("sim_triplet", 1296, 5, ("rna", "protein", "chromatin")),
        ("mouse_brain_p22", 9215, 14, ("chromatin", "rna")),
        ("mouse_brain_h3k27me3", 9752, 13, ("chromatin", "rna")),
        ("lymph_node_a1", 3483, 10, ("protein",)),
        ("lymph_node_d1", 3359, 10, ("protein",)),
        ("tumour_her2_a1", 346, 6, ("rna",)),
        ("tumour_her2_b1", 269, 4, ("rna",)),
        ("tumour_visium_block_a", 3798, 20, ("rna",)),
        ("cortex_151507", 4221, 7, ("rna",)),
        ("prefrontal_bz9", 1053, 4, ("rna",)),
        ("hypothalamus_09", 5557, 8, ("rna",)),
    ],
)
def test_real_cases(shared_data, monkeypatch, name, n_spots, n_domains, kinds):
    monkeypatch.setenv("NAPARI_TRSMI_DATA", str(shared_data))
    case = CASES[name]
    assert case.missing() == ""
    loaded = case.load()
    assert (loaded.data.n_spots, loaded.n_domains) == (n_spots, n_domains)
    assert {block.kind for block in loaded.inputs.blocks} == set(kinds)
