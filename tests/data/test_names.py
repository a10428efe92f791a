import pandas as pd

from napari_trsmi.data.names import feature_names

IDS = [f"ENSMUSG{number:011d}" for number in range(4)]


def test_symbols_take_the_place_of_ids():
    notes = []
    var = pd.DataFrame({"feature_name": ["Sox2", "Pax6", None, "Gad1"]}, index=IDS)
    assert feature_names(var, "t", notes).tolist() == ["Sox2", "Pax6", IDS[2], "Gad1"]
    assert notes == [
        f"Features of table t are called by 'feature_name', not by their ids ({IDS[0]})."
    ]


def test_categories_and_other_columns_names():
    for column in ("gene_name", "Symbol", "gene_symbols"):
        var = pd.DataFrame({column: pd.Categorical(list("abca"))}, index=IDS)
        assert feature_names(var, "t", []).tolist() == list("abca")


def test_names_that_are_symbols_stay():
    var = pd.DataFrame({"feature_name": list("abcd")}, index=["Sox2", "Pax6", "Dlx1", "Gad1"])
    assert feature_names(var, "t", []).tolist() == ["Sox2", "Pax6", "Dlx1", "Gad1"]
    assert feature_names(pd.DataFrame(index=IDS), "t", []).tolist() == IDS
