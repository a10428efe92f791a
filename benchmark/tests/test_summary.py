from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_rel, wilcoxon

from trsmi_benchmark.data.cases import Case
from trsmi_benchmark.rows import packed
from trsmi_benchmark.summary import (
    ARI,
    comparisons,
    consistency,
    losses,
    make_cells,
    ranks,
    spread,
    study_score,
)

ONE = Case("one", "One", "regions", "First study")
TWO = Case("two", "Two", "regions", "Second study")
THREE = Case("three", "Three", "regions", "Second study")
CASES = (ONE, TWO, THREE)


@pytest.fixture
def rows_of(make_row):
    def rows_of(method, scores, **fields):
        fields = {"case": "one", **fields}
        return [make_row(method, value, seed=seed, **fields) for seed, value in enumerate(scores)]

    return rows_of


def test_a_cell_has_mean_and_spread_or_the_reason(rows_of, make_row):
    cells = make_cells(
        [
            *rows_of("a", [50.0, 52.0]),
            make_row("b", 50.0, common=10.0),
            make_row("c", None, status="over_time", message="over 20 min"),
            make_row("d", None, common=40.0),
            make_row("e", 50.0),
            make_row("e", None, seed=1, status="failed", message="ValueError: x"),
        ]
    )
    text = {method: cell.text() for (method, _), cell in cells.items()}
    assert text == {
        "a": "51.0 ± 1.4",
        "b": "50.0",
        "c": "over 20 min",
        "d": "40.0",
        "e": "50.0 (1 of 2 failed)",
    }
    by_name = {method: cell for (method, _), cell in cells.items()}
    assert by_name["b"].scores(ARI, "common").tolist() == [10.0]
    assert (by_name["b"].counted, by_name["d"].counted) == ("own", "common")
    assert by_name["c"].has_failed
    assert not by_name["e"].has_failed
    assert np.isnan(by_name["c"].mean())


def test_time_is_up_to_the_domains_that_count(make_row):
    cells = make_cells([make_row("a", None, common=1.0), make_row("b", 1.0, common=2.0)])
    a, b = cells.values()
    assert a.seconds.tolist() == [3.0]  # and the common clustering
    assert a.cpu_seconds.tolist() == [5.0]
    assert b.seconds.tolist() == [2.0]


def test_chance_is_flagged(make_row):
    rows = [make_row("a", 1.0, measured={"p_value": p}, seed=s) for s, p in enumerate((0.005, 0.3))]
    (cell,) = make_cells(rows).values()
    assert cell.p_value == 0.3
    assert cell.is_at_chance
    (other,) = make_cells([make_row("b", 1.0)]).values()
    assert not other.is_at_chance


def test_sections_of_a_study_are_averaged_seed_by_seed(rows_of):
    rows = [
        *rows_of("a", [10.0, 20.0, 90.0], case="two"),
        *rows_of("a", [30.0, 60.0], case="three"),
    ]
    rows += [*rows_of("b", [10.0], case="two")]
    rows += [*rows_of("c", [10.0], case="two")]
    rows += rows_of("c", [None], case="three", status="failed", message="x")
    cells = make_cells(rows)
    assert study_score(cells, "a", (TWO, THREE), ARI).values.tolist() == [20.0, 40.0]
    assert np.isnan(study_score(cells, "b", (TWO, THREE), ARI).mean)  # a section is missing
    assert study_score(cells, "c", (TWO, THREE), ARI).mean == -np.inf


def test_ranks(make_row):
    rows = [
        make_row("trsmi", 60.0, group="trsmi", case="one"),
        make_row("variant", 70.0, group="variant", case="one"),
        make_row("r1", 65.0, case="one"),
        make_row("r2", 60.0, case="one"),
        make_row("plain", 50.0, group="naive", case="one"),
        make_row("slow", None, case="one", status="over_time", message="over 1 s"),
        make_row("unfit", None, case="one", status="unfit", message="needs counts"),
        make_row("one_domain", 99.0, group="degenerate", case="one"),
        # the sections of the second study count as one
        make_row("trsmi", 80.0, group="trsmi", case="two"),
        make_row("trsmi", 60.0, group="trsmi", case="three"),
        make_row("r1", 99.0, case="two"),
        make_row("r1", 9.0, case="three"),
        make_row("r2", 99.0, case="two"),
    ]
    found = ranks(make_cells(rows), CASES, ARI)
    assert (found["trsmi"].mean, found["trsmi"].studies) == ((2.5 + 1) / 2, 2)
    assert (found["r1"].mean, found["r1"].studies) == ((1 + 2) / 2, 2)
    assert (found["r2"].mean, found["r2"].studies) == (2.5, 1)  # a tie is shared
    assert found["plain"].mean == 4
    assert found["slow"].mean == 5  # a limit is last
    assert found["variant"].mean == 1  # in TRSMI's place
    assert {"one_domain", "unfit"}.isdisjoint(found)


def test_ranks_by_the_common_clustering(make_row):
    rows = [
        make_row("trsmi", 60.0, common=10.0, group="trsmi", case="one"),
        make_row("r1", 50.0, common=20.0, case="one"),
        make_row("own_only", 90.0, case="one"),
    ]
    found = ranks(make_cells(rows), (ONE,), ARI, "common")
    assert {name: rank.mean for name, rank in found.items()} == {"trsmi": 2.0, "r1": 1.0}


def test_losses_to_naive_rows_are_named(make_row):
    rows = [
        make_row("trsmi", 60.0, group="trsmi", case="one"),
        make_row("means", 62.0, group="naive", case="one"),
        make_row("axes", 65.0, group="naive", case="one"),
        make_row("plain", 50.0, group="naive", case="one"),
        make_row("rival", 90.0, case="one"),
        make_row("means", 62.0, group="naive", case="two"),
    ]
    cells = make_cells(rows)
    assert list(losses(cells, ONE, ARI).items()) == [("Axes", 5.0), ("Means", 2.0)]
    assert losses(cells, TWO, ARI) == {}


def test_paired_tests_by_number_of_seeds(rows_of):
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(60, 1, 8), rng.normal(58, 1, 8)
    rows = [
        *rows_of("trsmi", ours, group="trsmi"),
        *rows_of("many", theirs),
        *rows_of("four", theirs[:4]),
        *rows_of("two", theirs[:2]),
        *rows_of("same", ours - 1.0),
        *rows_of("variant", theirs, group="variant"),
    ]
    found = {item.method: item for item in comparisons(make_cells(rows), {"one": ARI})}
    assert set(found) == {"many", "four", "two", "same"}
    assert found["many"].test == "Wilcoxon signed rank"
    assert found["many"].p == pytest.approx(wilcoxon(ours - theirs).pvalue)
    assert found["many"].difference == pytest.approx((ours - theirs).mean())
    assert found["four"].test == "paired t"
    assert found["four"].p == pytest.approx(ttest_rel(ours[:4], theirs[:4]).pvalue)
    assert found["two"].test == "too few seeds"
    assert np.isnan(found["two"].p)
    assert found["same"].difference == pytest.approx(1)
    assert found["many"].p <= found["many"].adjusted <= 2 * found["many"].p


def test_seeds_are_paired_by_number(make_row):
    rows = [
        *(make_row("trsmi", 10.0 * s, seed=s, group="trsmi", case="one") for s in (0, 1, 2, 3)),
        *(make_row("r", 10.0 * s + s**2, seed=s, case="one") for s in (3, 2, 1)),
    ]
    (item,) = comparisons(make_cells(rows), {"one": ARI})
    assert (item.n, item.difference) == (3, pytest.approx(-14 / 3))


def test_the_same_at_every_seed_is_no_test(rows_of):
    rows = [*rows_of("trsmi", [5.0] * 6, group="trsmi"), *rows_of("r", [4.0] * 6)]
    (item,) = comparisons(make_cells(rows), {"one": ARI})
    assert item.test == "the same at every seed"


def test_consistency_with_columns_and_modalities(make_row):
    case = Case("one", "One", "states", "One", labels="label", more_labels=("other",))
    scores = {"own": {"label": {"ARI": 30.0}, "other": {"ARI": 10.0}}}
    rows = [
        make_row("a", 1.0, scores=scores, case="one"),
        make_row("only_rna", 1.0, scores=scores, group="naive", case="one"),
        make_row(
            "only_protein", 1.0, scores=scores, domains=packed(np.arange(12) % 2 + 1), case="one"
        ),
        make_row("failed", None, status="failed", message="x", case="one"),
    ]
    found = consistency(make_cells(rows), case, ("only_rna", "only_protein", "only_chromatin"))
    assert [row.label for row in found] == ["A", "Only_rna", "Only_protein"]
    assert found[0].with_columns == {"label": 30.0, "other": 10.0}
    assert found[0].with_methods["Only_rna"] == 100
    assert abs(found[0].with_methods["Only_protein"]) < 50


def test_spread_of_one_value_is_that_value():
    assert spread(np.array([3.14159]), 2) == "3.14"
    assert spread(np.array([1.0, 3.0])) == "2.0 ± 1.4"
