import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from napari_trsmi import load
from napari_trsmi.data.micrometres import after_move, of_factors, of_lattice, of_table


@pytest.fixture
def visium():
    """Columns and rows of a Visium array: even columns on even rows, odd ones on odd."""
    rows, columns = np.meshgrid(np.arange(10), np.arange(20), indexing="ij")
    both = np.column_stack([columns.ravel(), rows.ravel()]).astype(float)
    return both[both.sum(axis=1) % 2 == 0]


def test_the_spots_of_visium_are_100_micrometres_apart(visium):
    pixels = visium * (0.5, np.sqrt(3) / 2) * 137
    assert of_lattice(visium, pixels) == pytest.approx(100 / 137)


def test_a_turned_picture_changes_nothing(visium):
    turned = (visium * (0.5, np.sqrt(3) / 2) * 137)[:, ::-1]
    assert of_lattice(visium, turned) == pytest.approx(100 / 137)


def test_another_array_says_nothing(visium):
    square = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), -1).reshape(-1, 2)
    assert of_lattice(square, square * 7) is None
    assert of_lattice(None, square) is None
    unknown = visium.copy()
    unknown[0] = np.nan
    assert of_lattice(unknown, visium) is None


@pytest.mark.parametrize(
    ("factors", "said"),
    [({"microns_per_pixel": "0.27"}, 0.27), ({"microns_per_pixel": 0}, None), ({}, None)],
)
def test_scale_factors_say_it(factors, said):
    assert of_factors(factors) == said
    table = AnnData(np.ones((2, 1)), uns={"spatial": {"s1": {"scalefactors": factors}}})
    assert of_table(table) == said


def test_a_visium_table_is_measured_when_it_is_loaded(visium):
    rng = np.random.default_rng(0)
    table = AnnData(rng.poisson(3, (len(visium), 12)).astype(np.float32))
    table.obs["array_col"], table.obs["array_row"] = visium.T.astype(int)
    table.obsm["spatial"] = visium * (0.5, np.sqrt(3) / 2) * 50
    assert load({"rna": table}).micrometres_per_unit == pytest.approx(2)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (np.eye(2), 0.5),
        (np.diag([4.0, 4.0]), 0.125),
        (2 * np.array([[0.6, -0.8], [0.8, 0.6]]) @ np.diag([1, -1]), 0.25),  # turned and mirrored
        (np.diag([2.0, 3.0]), None),
        (np.array([[1.0, 0.4], [0, 1]]), None),
    ],
)
def test_spots_that_were_moved_keep_their_micrometres(visium, matrix, expected):
    moved = after_move(0.5, visium, visium @ matrix + (30, -7))
    assert moved == (None if expected is None else pytest.approx(expected))
    assert after_move(None, visium, visium @ matrix) is None


def test_spots_that_were_bent_have_none(visium):
    assert after_move(0.5, visium, visium**1.5) is None


@pytest.fixture
def cells():
    """Counts of cells, and where they are."""
    rng = np.random.default_rng(0)
    table = AnnData(rng.poisson(3, (30, 12)).astype(np.float32))
    table.obs_names = [f"c{number}" for number in range(30)]
    return table, rng.uniform(0, 900, (30, 2))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("Centroid X µm", "Centroid Y µm"), 1),
        (("x_um", "y_um"), 1),
        (("x_slide_mm", "y_slide_mm"), 1000),
        (("X_mm", "Y_mm"), 1000),
        (("Centroid X px", "Centroid Y px"), None),
        (("x_centroid", "y_centroid"), None),  # of Xenium in micrometres, of MCMICRO in pixels
    ],
)
def test_columns_named_in_a_unit_say_it(cells, tmp_path, columns, said):
    table, xy = cells
    places = pd.DataFrame(xy, table.obs_names, columns)
    places.to_csv(tmp_path / "cells.csv", index_label="cell")
    assert load({"rna": table}, positions=tmp_path / "cells.csv").micrometres_per_unit == said
    framed = table.copy()
    framed.obsm["spatial"] = places
    assert load({"rna": framed}).micrometres_per_unit == said
    table.obs = places
    assert load({"rna": table}).micrometres_per_unit == said


def test_columns_that_places_are_not_taken_from_say_nothing(cells):
    table, xy = cells
    table.obs["x_slide_mm"], table.obs["y_slide_mm"] = xy.T / 1000
    other = AnnData(table.X + 1, obs=pd.DataFrame(index=table.obs_names), obsm={"spatial": xy * 8})
    assert load({"rna": table, "protein": other}).micrometres_per_unit is None
    placed = dict(zip(table.obs_names, xy.tolist(), strict=True))
    assert load({"rna": table}, positions=placed).micrometres_per_unit is None


def test_a_table_of_pixels_per_micrometre_beside_columns_in_micrometres(cells):
    table, xy = cells
    table.uns["spatial"] = {"s1": {"scalefactors": {"microns_per_pixel": 0.25}}}
    table.obs["x_um"], table.obs["y_um"] = xy.T
    assert load({"rna": table}).micrometres_per_unit == 1
