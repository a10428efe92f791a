import pandas as pd

from napari_trsmi.data.annotations import merge_annotations

SPOTS = pd.Index(["b", "a"])


def test_the_first_table_wins_and_others_get_a_suffix():
    rna = pd.DataFrame({"domain": [1, 2, 3]}, index=list("abc"))
    adt = pd.DataFrame({"domain": [9, 8], "batch": ["x", "y"]}, index=list("ab"))
    merged = merge_annotations({"rna": rna, "adt": adt}, SPOTS, [])
    assert merged.to_dict("list") == {
        "domain": [2, 1],
        "domain_adt": [8, 9],
        "batch": ["y", "x"],
    }


def test_a_repeated_column_is_left_out_even_as_other_type():
    rna = pd.DataFrame({"domain": [1, 2]}, index=list("ab"))
    adt = pd.DataFrame({"domain": pd.Categorical(["2", "1"])}, index=list("ba"))
    assert list(merge_annotations({"rna": rna, "adt": adt}, SPOTS, [])) == ["domain"]


def test_a_suffix_never_overwrites():
    rna = pd.DataFrame({"d": [1, 2], "d_adt": [3, 4]}, index=list("ab"))
    adt = pd.DataFrame({"d": [5, 6]}, index=list("ab"))
    merged = merge_annotations({"rna": rna, "adt": adt}, SPOTS, [])
    assert merged["d_adt"].tolist() == [4, 3]
    assert merged["d_adt_adt"].tolist() == [6, 5]


def test_categories_of_lost_spots_are_lost():
    rna = pd.DataFrame({"layer": pd.Categorical(["L1", "L2", "L3"])}, index=list("abc"))
    merged = merge_annotations({"rna": rna}, SPOTS, [])
    assert merged["layer"].cat.categories.tolist() == ["L1", "L2"]
    assert rna["layer"].cat.categories.tolist() == ["L1", "L2", "L3"]


def test_names_that_files_keep_for_themselves_are_changed_and_said():
    frame = pd.DataFrame({"_index": [1, 2], "a/b": [3, 4], "": [5, 6]}, index=list("ab"))
    notes = []
    merged = merge_annotations({"rna": frame}, SPOTS, notes)
    assert merged.to_dict("list") == {"index": [2, 1], "a_b": [4, 3], "column": [6, 5]}
    assert notes[0] == (
        "Column '_index' of the annotations is called 'index': results cannot be written with that "
        "name."
    )
