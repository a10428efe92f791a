from __future__ import annotations

import numpy as np
import pytest

from napari_trsmi.data.simulated.simulation import SETTINGS
from napari_trsmi.errors import InputError
from napari_trsmi.evaluation.benchmark.cases import CASES, Case, chosen_cases, data_folder


def test_every_simulated_setting_is_there():
    assert {case.setting for case in CASES.values()} - {""} == set(SETTINGS)


def test_cases_are_chosen_by_name():
    assert [case.name for case in chosen_cases(("her2_a1",))] == ["her2_a1"]
    assert chosen_cases(()) == list(CASES.values())
    with pytest.raises(InputError, match="no data set 'brain'"):
        chosen_cases(("brain",))


def test_what_is_not_here_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TRSMI_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    said = CASES["her2_a1"].missing()
    assert "her2_a1 is left out" in said
    assert str(tmp_path / "her2_a1" / "rna.h5ad") in said
    assert CASES["simulated_noisy"].missing() == ""
    monkeypatch.delenv("NAPARI_TRSMI_DATA")
    assert data_folder().parts[-2:] == ("shared", "data")


def test_only_a_simulation_has_another_size():
    small = CASES["simulated_noisy"].of_size(90)
    assert (small.name, small.n_spots) == ("simulated_noisy@90", 90)
    assert small.load().data.n_spots == 90
    assert CASES["her2_a1"].of_size(90) is CASES["her2_a1"]


def test_digest_and_order():
    case = Case("a", "A", setting="published", n_spots=70)
    loaded, again = case.load(), case.load()
    assert loaded.digest == again.digest != case.of_size(71).load().digest
    assert sorted(loaded.order(0)) == list(range(70))
    np.testing.assert_array_equal(loaded.order(1), again.order(1))
    assert loaded.n_domains == 5


def test_a_column_of_labels_must_be_there():
    with pytest.raises(InputError, match="has no column 'layer'"):
        Case("a", "A", setting="published", n_spots=60, labels="layer").load()


@pytest.mark.parametrize(
    ("name", "n_spots", "n_domains", "kinds"),
    [
        ("sim_triplet", 1296, 5, ("rna", "protein", "chromatin")),
        ("mouse_brain_p22", 9215, 14, ("chromatin", "rna")),
        ("human_lymph_node_a1", 3483, 10, ("protein",)),
        ("her2_a1", 346, 6, ("rna",)),
    ],
)
def test_real_cases(shared_data, monkeypatch, name, n_spots, n_domains, kinds):
    monkeypatch.setenv("NAPARI_TRSMI_DATA", str(shared_data))
    case = CASES[name]
    assert case.missing() == ""
    loaded = case.load()
    assert (loaded.data.n_spots, loaded.n_domains) == (n_spots, n_domains)
    if name in ("mouse_brain_p22", "human_lymph_node_a1"):
        assert tuple(sorted(block.kind.value for block in loaded.inputs.blocks)) == kinds
