"""Sections over each other are found without a column that is called so, and nothing else is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_trsmi import load
from napari_trsmi.data.overlaid import are_twins, on_lattices
from napari_trsmi.errors import InputError

ROWS, COLUMNS = 14, 12
ROW, COLUMN = np.divmod(np.arange(ROWS * COLUMNS), COLUMNS)


def hexagons(shift=(0.0, 0.0)):
    xy = np.column_stack([(2 * COLUMN + ROW % 2) * 50.0, ROW * 100 * np.sqrt(3) / 2])
    return xy + shift


@pytest.fixture
def two_sections():
    rng = np.random.default_rng(0)
    xy = np.concatenate([hexagons(), hexagons((37.0, 11.0))])
    table = AnnData(
        X=sp.csr_matrix(rng.integers(1, 9, (len(xy), 6)).astype(np.float32)),
        obs=pd.DataFrame(index=[f"spot{i}" for i in range(len(xy))]),
    )
    table.obsm["spatial"] = xy
    return table


def test_any_column_whose_groups_are_lattices(two_sections):
    two_sections.obs["who knows"] = np.repeat([1.0, 2.0], ROWS * COLUMNS)
    with pytest.raises(InputError, match=r"2 sections \(who knows: 1 and 2\).*'who knows=1'"):
        load({"rna": two_sections})
    assert load({"rna": two_sections}, section="who knows=2").n_spots == ROWS * COLUMNS


def test_places_on_the_array_are_there_once(two_sections):
    two_sections.obs["array_row"], two_sections.obs["array_col"] = (
        np.tile(ROW, 2),
        np.tile(COLUMN, 2),
    )
    with pytest.raises(InputError, match=r"100% of the 336 spots.*place on the array"):
        load({"rna": two_sections})
    two_sections.obs["vial"] = np.repeat(["p", "q"], ROWS * COLUMNS)
    with pytest.raises(InputError, match=r"2 sections \(vial: p and q\)"):
        load({"rna": two_sections})


def test_barcodes_are_there_once(two_sections):
    rng = np.random.default_rng(1)
    codes = ["".join(rng.choice(list("ACGT"), 16)) for _ in range(ROWS * COLUMNS)]
    two_sections.obs_names = [f"{code}-1" for code in codes] + [f"{code}-1-1" for code in codes]
    with pytest.raises(InputError, match="have a barcode or a place"):
        load({"rna": two_sections})


def test_nothing_but_the_places_tells(two_sections):
    with pytest.raises(InputError, match="lie in pairs, all turned alike"):
        load({"rna": two_sections})
    assert load({"rna": two_sections}, section="all").n_spots == 2 * ROWS * COLUMNS


def test_sections_side_by_side_repeat_their_places(two_sections):
    two_sections.obs["array_row"], two_sections.obs["array_col"] = (
        np.tile(ROW, 2),
        np.tile(COLUMN, 2),
    )
    two_sections.obsm["spatial"][ROWS * COLUMNS :] += [5000, 0]
    assert load({"rna": two_sections}).n_spots == 2 * ROWS * COLUMNS


@given(
    seed=st.integers(0, 99),
    groups=st.integers(2, 9),
    square=st.booleans(),
    layout=st.sampled_from(["mixed", "stripes", "rows", "columns", "few"]),
)
@settings(max_examples=60, deadline=None)
def test_labels_of_one_lattice_are_no_sections(seed, groups, square, layout):
    rng = np.random.default_rng(seed)
    xy = np.column_stack([COLUMN, ROW]) * 100.0 if square else hexagons()
    labels = {
        "mixed": rng.integers(0, groups, len(xy)),
        "stripes": COLUMN * groups // COLUMNS,
        "rows": ROW,
        "columns": 2 * COLUMN + ROW % 2,
        "few": (rng.random(len(xy)) < 0.1).astype(int),
    }[layout]
    table = AnnData(X=rng.integers(1, 9, (len(xy), 6)).astype(np.float32))
    table.obs["label"] = labels
    table.obsm["spatial"] = xy + rng.normal(0, 1, xy.shape)
    assert load({"rna": table}).n_spots == len(xy)


@given(seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_cells_are_no_lattices(seed):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 1000, (400, 2))
    assert not are_twins(xy)
    assert not on_lattices(xy, rng.integers(0, 2, 400))
