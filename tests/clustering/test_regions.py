from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_trsmi.clustering.regions import ViewMeans, agreed_numbers, agreement_curve
from napari_trsmi.clustering.views import View


@pytest.mark.parametrize(
    ("stability", "expected"),
    [
        ([0.98, 0.98, 0.96, 0.97, 0.92], [5, 4, 3, 2]),
        ([0.91, 0.95, 0.92, 0.91], [5, 4, 3, 2]),  # not .05 below the best
        ([0.99, 0.90], [2]),
        ([0.80], [2]),
    ],
)
def test_numbers_before_the_views_part(stability, expected):
    curve = pd.DataFrame({"n_domains": range(2, 2 + len(stability)), "stability": stability})
    assert agreed_numbers(curve) == expected


def test_the_curve_ends_where_the_views_part():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(3), 60)
    views = [
        View(
            averages=(5.0 * np.eye(3)[group] + rng.normal(size=(180, 3)),),
            hops=hops,
            widths=(3,),
            center=np.zeros(3),
            scale=np.ones(3),
            limit=np.inf,
        )
        for hops in range(9)
    ]
    curve = agreement_curve(views, ViewMeans(0), smallest=2, largest=9)
    assert curve["n_domains"].tolist() == [2, 3, 4]
    assert agreed_numbers(curve) == [3, 2]


def test_k_means_of_a_view_is_done_once():
    points = np.random.default_rng(0).normal(size=(90, 2))
    view = View((points,), 3, (2,), np.zeros(2), np.ones(2), np.inf)
    means = ViewMeans(0)
    assert means.fitted(means.seen(view), 4) is means.fitted(means.seen(view), 4)
    others = [(replace(view, limit=2.0), 4), (replace(view, hops=4), 4), (view, 5)]
    fitted = [means.fitted(means.seen(other), k) for other, k in others]
    assert len({id(found) for found in fitted}) == 3
