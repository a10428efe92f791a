import numpy as np
import pandas as pd
import pytest

from napari_trsmi.clustering.regions import agreed_numbers, agreement_curve
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
            points=5.0 * np.eye(3)[group] + rng.normal(size=(180, 3)),
            hops=hops,
            widths=(3,),
            center=np.zeros(3),
            scale=np.ones(3),
        )
        for hops in range(9)
    ]
    curve = agreement_curve(views, smallest=2, largest=9, seed=0)
    assert curve["n_domains"].tolist() == [2, 3, 4]
    assert agreed_numbers(curve) == [3, 2]
