from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_rel, wilcoxon

from napari_trsmi.evaluation.benchmark.summary import (
    comparisons,
    consistency,
    make_cells,
    ranks,
    spread,
    standings,
)


@pytest.fixture
def runs_of(make_run):
    def runs_of(method, overall, **fields):
        return [make_run(method, value, seed=seed, **fields) for seed, value in enumerate(overall)]

    return runs_of


def test_a_cell_has_mean_and_spread_or_the_reason(runs_of, make_run):
    cells = make_cells(
        [
            *runs_of("a", [50.0, 52.0]),
            make_run("b", 50.0),
            make_run("c", None, status="over_time", message="over 20 min"),
            make_run("d", None, own=40.0),
            make_run("e", 50.0),
            make_run("e", None, seed=1, status="failed", message="ValueError: x"),
        ]
    )
    text = {method: cell.text for (method, _), cell in cells.items()}
    assert text == {
        "a": "51.00 ± 1.41",
        "b": "50.00",
        "c": "over 20 min",
        "d": "40.00†",
        "e": "50.00 (1 of 2 failed)",
    }
    assert cells["c", "one"].has_failed
    assert not cells["e", "one"].has_failed
    assert np.isnan(cells["c", "one"].mean)


def test_time_is_up_to_domains(make_run):
    cells = make_cells([make_run("a", 1.0), make_run("b", 1.0, own=2.0)])
    assert cells["a", "one"].seconds.tolist() == [3.0]  # and the common clustering
    assert cells["a", "one"].cpu_seconds.tolist() == [5.0]
    assert cells["b", "one"].seconds.tolist() == [2.0]


def test_chance_is_flagged(make_run):
    cells = make_cells(
        [make_run("a", 1.0, measured={"p_value": p}, seed=s) for s, p in enumerate((0.005, 0.3))]
    )
    assert cells["a", "one"].p_value == 0.3
    assert cells["a", "one"].is_at_chance
    assert not make_cells([make_run("b", 1.0)])["b", "one"].is_at_chance


def test_ranks(make_run):
    runs = [
        make_run("trsmi", 60.0, group="trsmi"),
        make_run("variant", 70.0, group="variant"),
        make_run("r1", 65.0),
        make_run("r2", 60.0),
        make_run("base", 50.0, group="baseline"),
        make_run("slow", None, status="over_time", message="over 1 s"),
        make_run("unfit", None, status="unfit", message="needs counts"),
        make_run("one_domain", 99.0, group="degenerate"),
        make_run("trsmi", 80.0, group="trsmi", data="two"),
        make_run("r1", 70.0, data="two"),
        make_run("unfit", 90.0, data="two"),
    ]
    found = ranks(make_cells(runs))
    assert (found["trsmi"].mean, found["trsmi"].data_sets) == ((2.5 + 2) / 2, 2)
    assert found["r1"].mean == (1 + 3) / 2
    assert found["r2"].mean == 2.5  # a tie is shared
    assert found["base"].mean == 4
    assert found["slow"].mean == 5  # a limit is last
    assert (found["unfit"].mean, found["unfit"].data_sets) == (1, 1)
    assert found["variant"].mean == 1  # in TRSMI's place
    assert "one_domain" not in found


def test_standings_name_what_is_ahead(make_run):
    runs = [
        make_run("trsmi", 60.0, group="trsmi"),
        make_run("variant", 70.0, group="variant"),
        make_run("r1", 62.0),
        make_run("r2", 65.0),
        make_run("base", 50.0, group="baseline"),
        make_run("slow", None, status="over_time", message="over 1 s"),
        make_run("unfit", None, status="unfit", message="needs counts"),
        make_run("trsmi", 80.0, group="trsmi", data="two"),
        make_run("r1", 70.0, data="two"),
        make_run("r1", 70.0, data="three"),
    ]
    one, two = standings(make_cells(runs))
    assert (one.rank, one.n_methods) == (3, 5)
    assert one.ahead == {"R2": 5.0, "R1": 2.0}
    assert list(one.ahead) == ["R2", "R1"]
    assert (two.data, two.rank, two.n_methods, two.ahead) == ("two", 1, 2, {})


def test_paired_tests_by_number_of_seeds(runs_of):
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(60, 1, 8), rng.normal(58, 1, 8)
    runs = [
        *runs_of("trsmi", ours, group="trsmi"),
        *runs_of("many", theirs),
        *runs_of("four", theirs[:4]),
        *runs_of("two", theirs[:2]),
        *runs_of("same", ours - 1.0),
        *runs_of("variant", theirs, group="variant"),
    ]
    found = {item.method: item for item in comparisons(make_cells(runs))}
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


def test_seeds_are_paired_by_number(make_run):
    runs = [
        *(make_run("trsmi", 10.0 * seed, seed=seed, group="trsmi") for seed in (0, 1, 2, 3)),
        *(make_run("r", 10.0 * seed + seed**2, seed=seed) for seed in (3, 2, 1)),
    ]
    (item,) = comparisons(make_cells(runs))
    assert (item.n, item.difference) == (3, pytest.approx(-14 / 3))


def test_the_same_at_every_seed_is_no_test(runs_of):
    runs = [*runs_of("trsmi", [5.0] * 6, group="trsmi"), *runs_of("r", [4.0] * 6)]
    (item,) = comparisons(make_cells(runs))
    assert item.test == "the same at every seed"


def test_consistency_with_columns_and_modalities(make_run, make_data_set):
    data = make_data_set(more_labels=["other"])
    scores = {"label": {"ARI": 30.0, "Overall-Avg": 1.0}, "other": {"ARI": 10.0}}
    runs = [
        make_run("a", 1.0, scores=scores),
        make_run("only_rna", 1.0, scores=scores, group="baseline"),
        make_run("only_protein", 1.0, scores=scores, domains=np.arange(12) % 2 + 1),
        make_run("failed", None, status="failed", message="x"),
    ]
    rows = consistency(make_cells(runs), data, ("only_rna", "only_protein", "only_chromatin"))
    assert [row.label for row in rows] == ["A", "Only_rna", "Only_protein"]
    assert rows[0].with_columns == {"label": 30.0, "other": 10.0}
    assert rows[0].with_methods["Only_rna"] == 100
    assert abs(rows[0].with_methods["Only_protein"]) < 50


def test_spread_of_one_value_is_that_value():
    assert spread(np.array([3.14159])) == "3.14"
    assert spread(np.array([1.0, 3.0]), 1) == "2.0 ± 1.4"
