from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_trsmi import score
from trsmi_benchmark import scoring


def test_scores_against_each_column():
    labels = pd.Series(["a", "a", "b", "b", None])
    domains = np.array([1, 1, 2, 2, 1])
    found = scoring.scores_against({"one": labels, "two": pd.Series([1, 2, 1, 2, 1])}, domains)
    assert found["one"]["ARI"] == 100
    assert found["two"] == pytest.approx(score([1, 2, 1, 2, 1], domains).as_dict(), abs=1e-4)


def test_degenerate_answers():
    labels = pd.Series(list("aaabbc"))
    assert set(scoring.degenerate_domains("one_domain", labels, 0)) == {1}
    dealt = scoring.degenerate_domains("permuted", labels, 0)
    assert sorted(np.bincount(dealt)[1:]) == [1, 2, 3]
    assert not np.array_equal(dealt, scoring.degenerate_domains("permuted", labels, 1))


@pytest.mark.parametrize(("agrees", "low", "high"), [(True, 0.0, 0.01), (False, 0.05, 1.0)])
def test_p_value_tells_agreement_from_chance(agrees, low, high):
    rng = np.random.default_rng(3)
    labels = rng.integers(4, size=200).astype(object)
    labels[:5] = None
    domains = pd.factorize(labels)[0] + 1 if agrees else rng.integers(1, 5, size=200)
    assert low < scoring.chance_p_value(labels, domains) <= high


def test_one_domain_is_at_chance():
    assert scoring.chance_p_value(list("aabb"), np.ones(4, dtype=int)) == 1.0
