from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from napari_trsmi.errors import InputError
from napari_trsmi.spots.boundaries import domain_boundaries, domain_polygons
from napari_trsmi.spots.cells import spot_cells


def lattice(kind, n, rng):
    if kind == "random":
        return rng.uniform(0, np.sqrt(n), (n, 2))
    side = int(np.sqrt(n))
    row, column = np.divmod(np.arange(side * side), side)
    if kind == "square":
        return np.column_stack([column, row]).astype(float)
    return np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2])


def segments(boundaries):
    """Set of undirected segments, rounded."""
    return {
        tuple(sorted(map(tuple, np.round([start, end], 5) + 0.0)))
        for boundary in boundaries
        for start, end in zip(boundary.path[:-1], boundary.path[1:], strict=True)
    }


sections = st.builds(
    lambda kind, n, n_domains, seed: (kind, n, n_domains, seed),
    st.sampled_from(["square", "hexagonal", "random"]),
    st.integers(4, 150),
    st.integers(1, 6),
    st.integers(0, 2**16),
)


def section(kind, n, n_domains, seed):
    rng = np.random.default_rng(seed)
    xy = lattice(kind, n, rng)
    return xy, pd.Series(rng.integers(n_domains, size=len(xy))).astype(str), rng


@settings(max_examples=60, deadline=None)
@given(sections)
def test_every_segment_separates_its_two_domains(drawn):
    xy, domains, _ = section(*drawn)
    tree = cKDTree(xy)
    for boundary in domain_boundaries(xy, domains):
        assert len(set(boundary.domains)) == 2
        start, end = boundary.path[:-1], boundary.path[1:]
        along = end - start
        across = np.column_stack([-along[:, 1], along[:, 0]])
        length = np.linalg.norm(along, axis=1, keepdims=True)
        assert (length > 0).all()
        aside = across / length * np.minimum(1e-4, length / 20)
        sides = [
            domains.to_numpy()[tree.query((start + end) / 2 + sign * aside)[1]] for sign in (-1, 1)
        ]
        for pair in zip(*sides, strict=True):
            assert sorted(pair) == sorted(boundary.domains)


@settings(max_examples=40, deadline=None)
@given(sections)
def test_boundaries_do_not_depend_on_the_order_of_the_spots(drawn):
    xy, domains, rng = section(*drawn)
    order = rng.permutation(len(xy))
    plain = domain_boundaries(xy, domains)
    shuffled = domain_boundaries(xy[order], domains.iloc[order])
    assert segments(plain) == segments(shuffled)
    assert [b.domains for b in plain] == [b.domains for b in shuffled]


@settings(max_examples=60, deadline=None)
@given(sections)
def test_polygons_are_valid_cover_the_cells_and_do_not_overlap(drawn):
    xy, domains, _ = section(*drawn)
    polygons = domain_polygons(xy, domains)
    assert set(polygons) == set(domains)
    assert all(map(shapely.is_valid, polygons.values()))
    total = sum(polygon.area for polygon in polygons.values())
    whole = shapely.union_all(list(polygons.values()))
    np.testing.assert_allclose(whole.area, total, rtol=1e-6)
    reach = spot_cells(xy).reach
    # A domain of one holds all cells, which are discs where they do not meet.
    one = domain_polygons(xy, pd.Series("all", index=domains.index), reach=reach)["all"]
    np.testing.assert_allclose(one.area, total, rtol=1e-6)
    discs = shapely.union_all(shapely.buffer(shapely.points(xy), reach, quad_segs=64))
    np.testing.assert_allclose(one.area, discs.area, rtol=0.02)
    for name, polygon in polygons.items():
        own = xy[(domains == name).to_numpy()]
        assert shapely.contains_xy(polygon, own).all()


@settings(max_examples=25, deadline=None)
@given(sections, st.floats(0.3, 3))
def test_polygons_of_any_reach_are_valid(drawn, reach):
    xy, domains, _ = section(*drawn)
    polygons = domain_polygons(xy, domains, reach=reach)
    assert all(map(shapely.is_valid, polygons.values()))
    whole = shapely.union_all(list(polygons.values()))
    np.testing.assert_allclose(whole.area, sum(p.area for p in polygons.values()), rtol=1e-6)


def test_cells_that_are_known_are_not_sought_again(monkeypatch):
    coordinates, domains, _ = section("hexagonal", 100, 4, 0)
    expected = domain_boundaries(coordinates, domains)
    cells = spot_cells(coordinates)
    monkeypatch.setattr("napari_trsmi.spots.boundaries.spot_cells", None)
    assert segments(domain_boundaries(coordinates, domains, cells=cells)) == segments(expected)


def test_boundaries_are_where_polygons_touch():
    xy, domains, _ = section("hexagonal", 144, 3, 5)
    domains = pd.Series(np.where(xy[:, 0] < 5, "left", "right"))
    (boundary,) = domain_boundaries(xy, domains)
    polygons = domain_polygons(xy, domains)
    shared = shapely.intersection(polygons["left"], polygons["right"])
    np.testing.assert_allclose(shared.length, shapely.LineString(boundary.path).length, rtol=1e-6)


def test_a_straight_border_is_one_line_in_the_units_of_the_coordinates():
    xy = 100 * lattice("square", 144, None)[:, ::-1] + [1000, 5000]
    domains = pd.Series(np.where(xy[:, 0] < 1550, "a", "b"))
    (boundary,) = domain_boundaries(xy, domains)
    assert boundary.domains == ("a", "b")
    np.testing.assert_allclose(boundary.path[:, 0], 1550)
    assert np.ptp(boundary.path[:, 1]) == pytest.approx(1100, abs=120)
    assert 4900 < boundary.path[:, 1].min() < 5000


def test_an_island_is_a_closed_line_and_a_hole():
    xy = lattice("square", 144, None)
    inside = np.all((xy > 3) & (xy < 7), axis=1)
    domains = pd.Series(np.where(inside, "island", "sea"))
    (boundary,) = domain_boundaries(xy, domains)
    np.testing.assert_array_equal(boundary.path[0], boundary.path[-1])
    polygons = domain_polygons(xy, domains)
    assert polygons["island"].area == pytest.approx(9)
    assert len(polygons["sea"].interiors) == 1
    assert shapely.Polygon(polygons["sea"].interiors[0]).area == pytest.approx(9)


def test_a_checkerboard_has_a_part_for_each_spot():
    xy = lattice("square", 64, None)
    domains = pd.Series(np.where(xy.sum(axis=1) % 2, "black", "white"))
    polygons = domain_polygons(xy, domains)
    assert [len(polygon.geoms) for polygon in polygons.values()] == [32, 32]


def test_a_single_domain_has_no_boundary():
    assert domain_boundaries(lattice("square", 64, None), pd.Series(["1"] * 64)) == []


def test_nothing_joins_spots_across_a_gap():
    left = lattice("square", 64, None)
    xy = np.vstack([left, left + np.array([12, 0])])
    domains = pd.Series(["left"] * 64 + ["right"] * 64)
    assert domain_boundaries(xy, domains) == []
    assert len(domain_boundaries(xy, domains, reach=5.0)) == 1


def test_spots_without_a_domain_have_no_boundary_and_no_area():
    xy = lattice("square", 64, None)
    domains = pd.Series(np.where(xy[:, 0] < 3, "a", "b"), dtype=object)
    domains[xy[:, 0] == 3] = None
    assert domain_boundaries(xy, domains) == []
    polygons = domain_polygons(xy, domains)
    assert set(polygons) == {"a", "b"}
    assert polygons["a"].bounds[2] == pytest.approx(2.5)


def test_spots_at_one_place_take_the_first_domain():
    xy = np.array([[0.0, 0], [1, 0], [1, 0]])
    (boundary,) = domain_boundaries(xy, pd.Series(["a", "c", "b"]))
    assert boundary.domains == ("a", "b")


def test_names_are_in_the_order_of_the_categories():
    xy = lattice("square", 64, None)
    domains = pd.Series(pd.Categorical.from_codes((xy[:, 0] > 3).astype(int), ["z", "a", "unused"]))
    (boundary,) = domain_boundaries(xy, domains)
    assert boundary.domains == ("z", "a")
    assert list(domain_polygons(xy, domains)) == ["z", "a"]


def test_coordinates_and_domains_must_fit():
    with pytest.raises(InputError, match=r"shape \(4, 2\), but 3 domains"):
        domain_boundaries(np.zeros((4, 2)), pd.Series(list("abc")))


def test_real_labels_give_boundaries(shared_data):
    import anndata as ad

    table = ad.read_h5ad(shared_data / "dlpfc_151673" / "rna_features_visium.h5ad", backed="r")
    xy, layers = np.asarray(table.obsm["spatial"], dtype=float), table.obs["layer"]
    found = domain_boundaries(xy, layers)
    # Cortical layers lie on each other: few lines, each between two layers that follow.
    assert 6 <= len(found) < 20
    order = list(layers.cat.categories)
    apart = [abs(order.index(b.domains[0]) - order.index(b.domains[1])) for b in found]
    assert np.mean(np.array(apart) == 1) > 0.8
