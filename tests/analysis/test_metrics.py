from __future__ import annotations

from itertools import combinations
from math import isclose, log, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from napari_trsmi.analysis.metrics import degenerate_scores, score
from napari_trsmi.errors import InputError

two_labellings = st.integers(2, 24).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
    )
)


def pair_counts(labels, domains):
    """Count pairs one by one: joined by both, by the labels only, the domains only, neither."""
    counts = {(same_label, same_domain): 0 for same_label in (0, 1) for same_domain in (0, 1)}
    for i, j in combinations(range(len(labels)), 2):
        counts[int(labels[i] == labels[j]), int(domains[i] == domains[j])] += 1
    return counts[1, 1], counts[1, 0], counts[0, 1], counts[0, 0]


@settings(max_examples=150, deadline=None)
@given(two_labellings)
def test_pair_metrics_equal_counting_pairs_one_by_one(pair):
    labels, domains = pair
    both, only_label, only_domain, neither = pair_counts(labels, domains)
    scores = score(labels, domains)
    joined = both + only_label + only_domain
    assert scores.jaccard == pytest.approx(100 * both / joined if joined else 100)
    assert scores.f1 == pytest.approx(200 * both / (both + joined) if joined else 100)
    fmi = both / sqrt((both + only_label) * (both + only_domain)) if both else 0
    assert scores.fmi == pytest.approx(100 * fmi)
    total = joined + neither
    expected = (both + only_label) * (both + only_domain) / total
    largest = (2 * both + only_label + only_domain) / 2
    if not isclose(largest, expected):
        ari = (both - expected) / (largest - expected)
        assert scores.ari == pytest.approx(100 * ari, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(two_labellings)
def test_information_metrics_equal_their_definition(pair):
    labels, domains = pair
    n = len(labels)

    def entropy(values):
        return -sum(values.count(v) / n * log(values.count(v) / n) for v in set(values))

    together = list(zip(labels, domains, strict=True))
    mi = entropy(labels) + entropy(domains) - entropy(together)
    scores = score(labels, domains)
    assert scores.mi == pytest.approx(100 * mi, abs=1e-8)
    if entropy(domains) > 0:
        assert scores.completeness == pytest.approx(100 * mi / entropy(domains), abs=1e-6)
    if entropy(labels) + entropy(domains) > 0:
        nmi = 2 * mi / (entropy(labels) + entropy(domains))
        assert scores.nmi == pytest.approx(100 * nmi, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(two_labellings)
def test_each_metric_is_the_one_of_its_name_in_scikit_learn(pair):
    scores = score(*pair).as_dict()
    for name, reference in {
        "MI": sk.mutual_info_score,
        "NMI": sk.normalized_mutual_info_score,
        "AMI": sk.adjusted_mutual_info_score,
        "FMI": sk.fowlkes_mallows_score,
        "ARI": sk.adjusted_rand_score,
        "V-measure": sk.v_measure_score,
        "Completeness": sk.completeness_score,
    }.items():
        assert scores[name] == pytest.approx(100 * reference(*pair)), name


@settings(max_examples=50, deadline=None)
@given(two_labellings, st.permutations(range(5)), st.randoms(use_true_random=False))
def test_names_and_order_of_spots_do_not_matter(pair, renamed, random):
    labels, domains = pair
    order = list(range(len(labels)))
    random.shuffle(order)
    other = score([labels[i] for i in order], [f"domain {renamed[domains[i]]}" for i in order])
    assert other.as_dict() == pytest.approx(score(labels, domains).as_dict(), abs=1e-8)


def test_perfect_domains_of_the_published_simulation_reach_the_highest_possible():
    labels = np.repeat(np.arange(5), [432, 180, 288, 216, 180])
    assert round(score(labels, 4 - labels).overall_avg, 2) == 106.08


def test_averages_take_the_published_groups_of_three():
    scores = score([0, 0, 0, 1, 1, 2, 2, 2], [0, 0, 1, 1, 1, 2, 2, 0]).as_dict()
    nine, averages = list(scores.values())[:9], list(scores.values())[9:]
    means = [np.mean(nine[start : start + 3]) for start in (0, 3, 6)]
    assert list(scores)[:9] == [
        *("MI", "NMI", "AMI"),
        *("FMI", "ARI", "V-measure"),
        *("F1", "Jaccard", "Completeness"),
    ]
    assert averages == pytest.approx([*means, np.mean(means)])


def test_completeness_is_of_the_labels_not_of_the_domains():
    labels, merged = [0, 0, 1, 1], [0, 0, 0, 0]
    assert score(labels, merged).completeness == pytest.approx(100)
    assert score(merged, labels).completeness == pytest.approx(0)


def test_a_million_spots_do_not_overflow():
    n = 1_000_000
    scores = score(np.arange(n) % 4, np.arange(n) % 2)
    same_label, same_domain = 4 * (n // 4) * (n // 4 - 1), 2 * (n // 2) * (n // 2 - 1)
    assert scores.jaccard == pytest.approx(100 * same_label / same_domain)
    assert scores.f1 == pytest.approx(200 * same_label / (same_label + same_domain))


def test_series_are_matched_by_name_whatever_their_order():
    labels = pd.Series(list("aabbc"), index=["s1", "s2", "s3", "s4", "s5"])
    domains = pd.Series([1, 1, 2, 2, 9, 9], index=["s2", "s1", "s4", "s3", "s7", "s8"])
    scores = score(labels, domains)
    assert (scores.ari, scores.n_spots, scores.n_unmatched) == (100, 4, 3)


def test_spots_without_label_or_domain_are_left_out_and_counted():
    index = [f"s{i}" for i in range(6)]
    labels = pd.Series(pd.Categorical(["a", "a", None, "b", "b", "b"]), index=index)
    domains = pd.Series([0.0, 0.0, 5.0, 1.0, 1.0, np.nan], index=index)
    scores = score(labels, domains)
    assert (scores.ari, scores.n_spots, scores.n_unlabelled) == (100, 4, 2)


@pytest.mark.parametrize(
    ("labels", "domains", "message"),
    [
        ([0, 1, 1], [0, 1], "3 labels but 2 domains"),
        ([[0, 1], [1, 1]], [0, 1], r"labels have shape \(2, 2\)"),
        ([None, None, "a"], ["x", "y", "z"], "Only 1 of 3 spots"),
        (pd.Series([0, 1], ["a", "b"]), pd.Series([0, 1], ["c", "d"]), "share no spot name"),
        (pd.Series([0, 1], ["a", "b"]), pd.Series([0, 1], ["a", "a"]), "'a' occurs more than"),
    ],
)
def test_input_that_cannot_be_scored_says_why(labels, domains, message):
    with pytest.raises(InputError, match=message):
        score(labels, domains)


def test_degenerate_rows_know_nothing_of_the_labels():
    labels = np.repeat(["a", "b", "c"], [500, 300, 200])
    rows = degenerate_scores(labels, n_domains=6, seed=1)
    assert list(rows) == ["one domain", "permuted labels", "random domains"]
    for row in rows.values():
        assert abs(row.ari) < 2
        assert abs(row.ami) < 2
    assert rows["one domain"].completeness == 100
    sizes_squared = (500**2 + 300**2 + 200**2) / 1000**2
    assert rows["permuted labels"].fmi == pytest.approx(100 * sizes_squared, abs=2)
    assert rows["random domains"].fmi == pytest.approx(100 * sqrt(sizes_squared / 6), abs=2)
    assert rows == degenerate_scores(labels, n_domains=6, seed=1)
    assert rows != degenerate_scores(labels, n_domains=6, seed=2)


def test_degenerate_scores_ignore_missing_labels_and_refuse_no_domains():
    rows = degenerate_scores(["a", "b", None, "a", "b"], n_domains=2)
    assert rows["one domain"].n_spots == 4
    with pytest.raises(InputError, match="n_domains is 0"):
        degenerate_scores(["a", "b"], n_domains=0)
