import pandas as pd
import pytest
from anndata import AnnData

from napari_trsmi import load

BARCODES = [f"ACGTACGTACGT{end}-1" for end in ("AA", "AC", "AG", "AT")]


@pytest.fixture
def lying(make_table):
    """Features x spots, as GEO keeps a table."""
    table = make_table(BARCODES, ["Sox2", "Pax6", "Gad1", "Dlx1", "Myo7"], spatial=False)
    values = table.X.T.tocsr()
    return AnnData(X=values, obs=table.var, var=table.obs, layers={"log": values.log1p()}), table


POSITIONS = pd.DataFrame({"x": [1, 2, 3, 4], "y": [1, 4, 9, 16]}, index=BARCODES)


def test_positions_tell_which_side_the_spots_are(lying):
    turned, upright = lying
    omics = load({"rna": turned}, positions=POSITIONS)
    assert omics.spots.tolist() == BARCODES
    assert (omics.modalities[0].table.X != upright.X).nnz == 0
    assert "features in its rows and spots in its columns (5 x 4): it is turned" in omics.notes[1]


def test_another_table_tells_it_too(lying, make_table):
    other = make_table(BARCODES, 3, seed=2)
    other.obsm["spatial"] = POSITIONS.to_numpy()
    assert load({"rna": lying[0], "protein": other}).spots.tolist() == BARCODES


def test_barcodes_tell_it_where_nothing_else_does(lying):
    turned, _ = lying
    turned.var["x"], turned.var["y"] = POSITIONS["x"].to_numpy(), POSITIONS["y"].to_numpy()
    assert load({"rna": turned}).coordinates[3].tolist() == [4, 16]


def test_an_upright_table_stays(lying, make_table):
    assert load({"rna": make_table()}).notes == ()
