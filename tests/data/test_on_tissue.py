import numpy as np
import pandas as pd
import pytest

from napari_trsmi import load
from napari_trsmi.data.on_tissue import off_tissue


@pytest.mark.parametrize(
    "values",
    [
        [1, 0, 1, 1, 0, 1],
        [1.0, 0.0, 1.0, 1.0, 0.0, 1.0],
        ["1", "0", "1", "1", "0", "1"],
        [True, False, True, True, False, True],
        pd.Categorical(["1", "0", "1", "1", "0", "1"]),
    ],
)
def test_spots_off_the_tissue_are_left_out_and_counted(make_table, values):
    table = make_table()
    table.obs["in_tissue"] = values
    omics = load({"rna": table, "protein": make_table(seed=1)})
    assert omics.spots.tolist() == ["spot0", "spot2", "spot3", "spot5"]
    no = "False" if False in values and isinstance(values[0], bool) else "0"
    assert omics.notes[0].startswith(
        f"2 spots of 6 of table 'rna' lie off the tissue (in_tissue is {no}) and are left out."
    )
    assert "--keep off_tissue" in omics.notes[0]


def test_they_are_kept_when_asked_for(make_table):
    table = make_table()
    table.obs["in_tissue"] = [1, 0, 1, 1, 0, 1]
    omics = load({"rna": table}, keep="off_tissue")
    assert omics.n_spots == 6
    assert "they are kept, as asked" in omics.notes[0]


def test_a_column_of_zeros_says_nothing(make_table):
    table = make_table()
    table.obs["in_tissue"] = 0
    omics = load({"rna": table})
    assert omics.n_spots == 6
    assert omics.notes == ("in_tissue of table 'rna' is 0 for all spots: it is not used.",)


def test_positions_say_it_too(make_table):
    frame = pd.DataFrame(
        {
            "barcode": [f"spot{i}" for i in range(6)],
            "in_tissue": [1, 1, 1, 0, 1, 1],
            "x": np.arange(6),
            "y": np.arange(6) ** 2,
        }
    )
    table = make_table(spatial=False)
    omics = load({"rna": table}, positions=frame)
    assert "spot3" not in omics.spots
    assert "1 spot of 6 in positions lie off the tissue" in omics.notes[1]
    assert load({"rna": table}, positions=frame, keep=["off_tissue"]).n_spots == 6


def test_without_the_column_none_is_off():
    assert not off_tissue(pd.DataFrame({"a": [1, 2]})).any()


@pytest.mark.parametrize(
    "column", ["In_Tissue", "in.tissue", "inTissue", "on_tissue", "is_tissue", "tissue"]
)
def test_other_spellings_of_the_column(make_table, column):
    table = make_table()
    table.obs[column] = [1, 0, 1, 1, 0, 1]
    omics = load({"rna": table})
    assert omics.n_spots == 4
    assert f"({column} is 0)" in omics.notes[0]


@pytest.mark.parametrize(
    "values", [["yes", "no"] * 3, ["in", "out"] * 3, ["T", "F"] * 3, [True, False] * 3]
)
def test_other_words_for_it(make_table, values):
    table = make_table()
    table.obs["in_tissue"] = values
    assert load({"rna": table}).spots.tolist() == ["spot0", "spot2", "spot4"]


def test_what_is_not_understood_is_said(make_table):
    table = make_table()
    table.obs["in_tissue"] = [1, 1, np.nan, 1, 0, np.nan]
    omics = load({"rna": table})
    assert omics.n_spots == 5
    assert omics.notes[0].startswith("in_tissue of table 'rna' is 'nan' for 2 spots, which says")


def test_the_name_of_a_tissue_says_nothing(make_table):
    table = make_table()
    table.obs["tissue"] = ["brain", "0"] * 3
    assert load({"rna": table}).n_spots == 6
