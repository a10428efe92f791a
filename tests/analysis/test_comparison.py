from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from napari_trsmi.analysis.comparison import compare
from napari_trsmi.errors import InputError


def _series(values, prefix="s"):
    return pd.Series(list(values), index=[f"{prefix}{i}" for i in range(len(values))])


def test_another_naming_of_the_same_domains_agrees_everywhere():
    first = _series("aabbbcc")
    comparison = compare(first, first.map({"a": "2", "b": "9", "c": "1"}))
    assert comparison.matched == {"2": "a", "9": "b", "1": "c"}
    assert (comparison.ari, comparison.nmi, comparison.n_differing) == (100, 100, 0)
    assert comparison.disagreement.dtype == bool


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    first, second = (_series(rng.integers(4, size=200).astype(str)) for _ in range(2))
    comparison = compare(first, second)
    assert comparison.ari == pytest.approx(100 * adjusted_rand_score(first, second))
    assert comparison.nmi == pytest.approx(100 * normalized_mutual_info_score(first, second))


def test_spots_are_matched_by_name_and_missing_labels_counted():
    first = _series(["a", "a", "b", "b", None, "b"])
    second = pd.Series(
        ["y", "y", "y", "x", "x", None, "x"], index=["s3", "s2", "s4", "s1", "s0", "s5", "other"]
    )
    comparison = compare(first, second)
    assert comparison.n_spots == 4
    assert comparison.n_unlabelled == 2
    assert comparison.n_unmatched == 1
    assert list(comparison.first.index) == ["s0", "s1", "s2", "s3"]
    assert comparison.matched == {"x": "a", "y": "b"}
    assert comparison.n_differing == 0


def test_differing_spots_are_those_whose_labels_are_no_partners():
    first, second = _series("aaabbb"), _series("xxyyyz")
    comparison = compare(first, second)
    assert comparison.matched == {"x": "a", "y": "b"}
    assert comparison.disagreement.tolist() == [False, False, True, False, False, True]
    assert comparison.n_differing == 2


def test_names_without_a_common_spot_are_no_partners():
    """The pairing by itself is complete."""
    comparison = compare(_series("aaab"), _series("xxyx"))
    assert comparison.matched == {"x": "b", "y": "a"} or comparison.matched == {"x": "a"}
    for theirs, mine in comparison.matched.items():
        both = (comparison.first == mine) & (comparison.second == theirs)
        assert both.any()


def test_domains_keep_the_order_of_their_categories():
    first = pd.Series(pd.Categorical.from_codes([0, 1, 2], ["10", "9", "x"]), list("abc"))
    second = pd.Series([10, 2, 1], index=list("abc"))
    comparison = compare(first, second)
    assert list(comparison.first.cat.categories) == ["10", "9", "x"]
    assert list(comparison.second.cat.categories) == ["1", "2", "10"]
    assert comparison.matched == {"10": "10", "2": "9", "1": "x"}


def test_partners_share_a_colour_and_the_others_get_new_ones():
    comparison = compare(_series("aaabbb"), _series("xxxyyz"))
    colors = comparison.second_colors({"a": "#ff8000", "b": "#80e6e6"})
    assert colors["x"] == "#ff8000"
    assert colors["y"] == "#80e6e6"
    assert colors["z"] not in {"#ff8000", "#80e6e6"}
    assert list(colors) == ["x", "y", "z"]


def test_a_name_of_the_second_is_not_taken_for_one_of_the_first():
    comparison = compare(_series("aaabbb"), _series("bbbaac"))
    assert comparison.matched == {"b": "a", "a": "b"}
    assert comparison.n_differing == 1
    colors = comparison.second_colors({"a": "#ff8000", "b": "#80e6e6", "c": "#004c80"})
    assert colors["b"] == "#ff8000"
    assert colors["c"] != "#004c80"


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InputError, match="share no spot name"):
        compare(_series("ab"), _series("ab", prefix="t"))
    with pytest.raises(InputError, match="occurs more than once"):
        compare(_series("ab"), pd.Series(["x", "y"], index=["s0", "s0"]))
    with pytest.raises(InputError, match="at least 2 are needed"):
        compare(_series("ab"), _series(["x", None]))
