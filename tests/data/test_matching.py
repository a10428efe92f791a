import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_trsmi.data.matching import shared_spots
from napari_trsmi.errors import InputError, TRSMIWarning

NAMES = st.lists(st.sampled_from("abcdefghijkl"), min_size=6, unique=True)


@given(st.lists(NAMES, min_size=1, max_size=4))
@pytest.mark.filterwarnings("ignore::napari_trsmi.errors.TRSMIWarning")
def test_the_intersection_in_the_order_of_the_first(tables):
    common = set.intersection(*map(set, tables))
    indices = {f"t{i}": pd.Index(names) for i, names in enumerate(tables)}
    if not common:
        with pytest.raises(InputError, match="share no spot names"):
            shared_spots(indices, [])
    else:
        shared = shared_spots(indices, [])
        assert shared.tolist() == [name for name in tables[0] if name in common]


def test_the_numbers_are_noted():
    notes = []
    shared_spots({"A": pd.Index(list("abcd")), "B": pd.Index(list("cbax"))}, notes)
    assert notes == [
        "3 spots are shared by A (4) and B (4), matched by name; they are used in the order of A."
    ]


def test_one_table_says_nothing_and_equal_tables_little():
    notes = []
    shared_spots({"A": pd.Index(list("abc"))}, notes)
    assert notes == []
    shared_spots({"A": pd.Index(list("abc")), "B": pd.Index(list("cab"))}, notes)
    assert notes == ["All 3 spots are in A and B, matched by name."]


def test_few_shared_spots_warn_with_the_number():
    tables = {"A": pd.Index(list("abcdefgh")), "B": pd.Index(list("axyzw"))}
    with pytest.warns(TRSMIWarning, match="Only 1 of the 5 spots of B are in all tables"):
        shared_spots(tables, [])


@pytest.mark.parametrize(
    ("first", "second", "remedy"),
    [
        (["AAC-1", "AAG-1"], ["AAC", "AAG"], "2 names would match without the ending '-1'"),
        (["s1-AAC", "s1-AAG"], ["AAG", "AAT"], "1 name would match without the beginning 's1-'"),
        (["AAC"], ["GGT"], "Rename the spots"),
    ],
)
def test_nothing_shared_shows_examples_and_the_way_out(first, second, remedy):
    with pytest.raises(InputError) as error:
        shared_spots({"A": pd.Index(first), "B": pd.Index(second)}, [])
    message = str(error.value)
    assert f"A has {first[0]!r} and B has {second[0]!r}" in message
    assert remedy in message


def test_the_replacement_it_proposes_works():
    first, second = pd.Index(["AAC-1", "AAG-1"]), pd.Index(["AAC", "AAG"])
    with pytest.raises(InputError, match=r"str\.replace\('-\\\\d\+\$', '', regex=True\)"):
        shared_spots({"A": first, "B": second}, [])
    assert first.str.replace("-\\d+$", "", regex=True).equals(second)


def test_barcodes_that_agree_by_chance_are_no_section():
    rna = pd.Index([f"a{i}" for i in range(1_594)])
    other = pd.Index([*rna[:108], *(f"b{i}" for i in range(1_600))])
    with pytest.raises(InputError, match=r"Only 108 of the 1,594 spots of rna.*by chance"):
        shared_spots({"rna": rna, "protein": other}, [])
