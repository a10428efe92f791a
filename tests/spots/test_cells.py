from __future__ import annotations

import numpy as np
import pytest

from napari_trsmi.errors import InputError
from napari_trsmi.spots.cells import spot_cells


def hexagonal(n_rows=12, n_columns=12, pitch=100.0):
    row, column = np.divmod(np.arange(n_rows * n_columns), n_columns)
    return pitch * np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2])


def square(n_rows=12, n_columns=12):
    row, column = np.divmod(np.arange(n_rows * n_columns), n_columns)
    return np.column_stack([column, row]).astype(float)


def test_cells_of_a_square_lattice_are_its_squares():
    cells = spot_cells(square())
    assert len(cells.neighbors) == 2 * 11 * 12  # no side across a corner where four cells meet
    lengths = np.linalg.norm(cells.sides[:, 0] - cells.sides[:, 1], axis=1)
    inner = np.all((cells.sides > 0) & (cells.sides < 11), axis=(1, 2))
    np.testing.assert_allclose(lengths[inner], 1, atol=1e-6)


def test_cells_of_a_hexagonal_lattice_have_six_sides():
    xy = hexagonal()
    cells = spot_cells(xy)
    n_sides = np.bincount(cells.neighbors.ravel(), minlength=len(xy))
    inner = np.all((cells.centers > 100) & (cells.centers < xy.max(axis=0) - 100), axis=1)
    assert inner.sum() > 50
    assert set(n_sides[inner]) == {6}


def test_sides_are_equally_far_from_both_cells_and_within_reach():
    xy = np.random.default_rng(0).uniform(0, 30, (500, 2))
    cells = spot_cells(xy)
    for end in (0, 1):
        distances = [
            np.linalg.norm(cells.sides[:, end] - cells.centers[cells.neighbors[:, side]], axis=1)
            for side in (0, 1)
        ]
        np.testing.assert_allclose(*distances, rtol=1e-6)
        assert distances[0].max() <= cells.reach * (1 + 1e-6)


def test_the_reach_can_be_given():
    xy = square()
    assert spot_cells(xy, reach=0.4).neighbors.size == 0  # circles that do not touch
    assert len(spot_cells(xy, reach=0.4).rim_cells) == len(xy)
    assert spot_cells(xy, reach=3.0).reach == 3.0


@pytest.mark.parametrize(
    ("xy", "n_sides"),
    [([[3, 4]], 0), ([[0, 0], [1, 0]], 1), ([[0, 0], [1, 0], [2, 0], [3, 0]], 3)],
    ids=["one", "two", "row"],
)
def test_few_spots_and_rows_are_no_special_case(xy, n_sides):
    cells = spot_cells(np.array(xy, dtype=float))
    assert len(cells.neighbors) == n_sides
    assert len(cells.rim_cells) >= 1
    assert np.isfinite(cells.rims).all()


def test_spots_at_one_place_share_a_cell():
    cells = spot_cells(np.array([[0.0, 0], [1, 0], [0, 0]]))
    assert len(cells.centers) == 2
    assert cells.place[0] == cells.place[2] != cells.place[1]


def test_places_do_not_matter():
    """Far from the origin, and in tiny units, the cells are the same."""
    xy = hexagonal(pitch=1.0)
    plain, moved = spot_cells(xy), spot_cells(xy * 1e-3 + 5e4)
    assert len(plain.neighbors) == len(moved.neighbors)
    np.testing.assert_allclose(moved.reach, plain.reach * 1e-3, rtol=1e-4)


@pytest.mark.parametrize(
    "xy",
    [np.zeros((0, 2)), np.zeros((3, 3)), np.zeros(4), np.array([[0.0, np.nan]])],
    ids=["none", "three-d", "flat", "nan"],
)
def test_coordinates_that_are_none_are_refused(xy):
    with pytest.raises(InputError, match="cannot be used"):
        spot_cells(xy)


@pytest.mark.parametrize("reach", [0.0, -1.0, np.nan, np.inf])
def test_a_reach_must_be_a_distance(reach):
    with pytest.raises(InputError, match="positive distance"):
        spot_cells(square(), reach=reach)
