import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from napari_trsmi.data.checks import (
    check_enough,
    check_names,
    check_values,
    drop_uninformative,
    spots_with_counts,
)
from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.parts import Part
from napari_trsmi.errors import InputError

FORMS = pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])


def part_of(values, form=np.asarray, kind=Kind.RNA, name="rna"):
    matrix = form(np.asarray(values, dtype=np.float32))
    spots = pd.Index([f"s{i}" for i in range(matrix.shape[0])])
    features = pd.Index([f"g{i}" for i in range(matrix.shape[1])])
    return Part(name, kind, repr(name), matrix, spots, features)


@FORMS
@pytest.mark.parametrize("bad", [-1, np.nan, np.inf])
def test_a_bad_count_is_named_by_spot_and_feature(form, bad):
    with pytest.raises(
        InputError, match=rf"'rna' has 1 unusable count, first {bad:g} at spot 's1', feature 'g2'"
    ):
        check_values(part_of([[1, 2, 3], [4, 5, bad], [0, 0, 1]], form))


@FORMS
def test_a_bad_value_among_ready_features_is_named(form):
    values = [[1, -2], [np.nan, 3], [np.nan, 1]]
    with pytest.raises(
        InputError, match=r"2 unusable values, first nan at spot 's1', feature 'g0'"
    ):
        check_values(part_of(values, form, Kind.FEATURES))


@FORMS
def test_negative_ready_features_are_fine(form):
    check_values(part_of([[1, -2], [-3, 3]], form, Kind.FEATURES))


@FORMS
def test_empty_spots_are_marked_over_all_counts_but_not_ready_features(form):
    notes = []
    keep = spots_with_counts(
        [
            part_of([[1, 0], [0, 0], [1, 1], [1, 1]], form),
            part_of([[1, 0], [1, 0], [0, 0], [1, 1]], form, Kind.PROTEIN, "protein"),
            part_of([[1, 0], [1, 0], [0, 2], [0, 0]], form, Kind.FEATURES, "ready"),
        ],
        notes,
    )
    assert keep.tolist() == [True, False, False, True]
    assert notes == [
        "1 spot without any count in rna dropped from all tables (first 's1').",
        "1 spot without any count in protein dropped from all tables (first 's2').",
    ]


@FORMS
def test_a_table_of_zeros_is_an_error(form):
    with pytest.raises(InputError, match="'rna' holds only zeros"):
        spots_with_counts([part_of(np.zeros((3, 2)), form)], [])


@FORMS
def test_all_zero_features_are_dropped_and_constant_counts_kept(form):
    notes = []
    kept = drop_uninformative(part_of([[0, 1, 2], [0, 1, 0]], form), notes)
    assert kept.features.tolist() == ["g1", "g2"]
    assert kept.matrix.shape == (2, 2)
    assert notes == ["1 all-zero feature of rna dropped."]


@FORMS
def test_constant_ready_features_are_dropped(form):
    notes = []
    values = [[0, -1, 2, 5], [0, -1, 0, 5]]
    kept = drop_uninformative(part_of(values, form, Kind.FEATURES), notes)
    assert kept.features.tolist() == ["g2"]
    assert notes == ["3 constant features of rna dropped."]


@FORMS
def test_only_constant_features_are_an_error(form):
    with pytest.raises(InputError, match="'rna' has only constant features"):
        drop_uninformative(part_of(np.ones((3, 2)), form, Kind.FEATURES), [])


def test_names_must_be_there_and_differ():
    with pytest.raises(InputError, match="Table t has no spots"):
        check_names(pd.Index([]), "t")
    with pytest.raises(InputError, match="Table t repeats 2 spot names, first 'a'"):
        check_names(pd.Index(list("abcaab")), "t")


def test_three_spots_are_enough_and_two_are_not():
    check_enough(3, "in all tables")
    with pytest.raises(InputError, match="Too few spots: 2 in all tables, at least 3"):
        check_enough(2, "in all tables")
