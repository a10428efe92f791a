"""squidpy's statistics of domains, against what is known of stripes."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import napari_trsmi as trsmi
from napari_trsmi.analysis.spatial_statistics import (
    co_occurrence,
    neighborhood_enrichment,
    spatially_variable,
)
from napari_trsmi.errors import InputError


@pytest.fixture
def stripes(make_result):
    """Three stripes side by side: 1 and 3 do not touch."""
    return make_result(n_spots=120)


class TestWithSquidpy:
    @pytest.fixture(autouse=True)
    def _squidpy(self):
        pytest.importorskip("squidpy")

    def test_stripes_are_neighbours_of_themselves_and_not_across_another(self, stripes):
        scores = neighborhood_enrichment(stripes, n_permutations=100)
        assert list(scores.index) == list(scores.columns) == ["1", "2", "3"]
        assert (np.diag(scores) > 3).all()
        assert scores.loc["1", "3"] < scores.loc["1", "2"] < 0
        again = neighborhood_enrichment(stripes, n_permutations=100)
        pd.testing.assert_frame_equal(scores, again)

    def test_near_a_domain_is_more_of_it(self, stripes):
        found = co_occurrence(stripes, n_distances=12)
        nearest = found[found["distance"] == found["distance"].min()]
        ratio = nearest.set_index(["domain", "other"])["ratio"]
        assert ratio["1", "1"] > 1.5
        assert ratio["1", "3"] < 0.5
        assert len(found) == 9 * 11

    def test_of_many_spots_some_are_drawn(self, stripes):
        few = co_occurrence(stripes, n_distances=5, max_spots=60)
        assert set(few["domain"]) == {"1", "2", "3"}
        assert not few.equals(co_occurrence(stripes, n_distances=5))

    def test_a_feature_of_space_ranks_before_noise(self):
        section = trsmi.simulate(n_spots=100, modalities=("rna",), n_features={"rna": 60})
        table = section.modalities[0].table
        noise = np.random.default_rng(0).poisson(5, size=table.shape).astype(np.float32)
        noise[:, 7] = section.coordinates[:, 0] // 50
        table.X = noise
        domains = pd.Series(pd.Categorical(["1", "2"] * 50), index=section.spots)
        result = _result(section, domains)
        ranked = spatially_variable(section, result)
        assert ranked["feature"][0] == table.var_names[7]
        assert ranked["moran_i"][0] > 0.5
        assert ranked["p_adjusted"][0] < 1e-6
        assert ranked["p_adjusted"].iloc[-1] > 0.05
        with pytest.raises(InputError, match="no table 'atac'"):
            spatially_variable(section, result, "atac")
        with pytest.raises(InputError, match="lack spots"):
            spatially_variable(section, replace(result, domains=domains.rename(lambda s: s + "x")))

    def test_one_domain_has_nobody_to_lie_beside(self, make_result):
        result = make_result(n_domains=1)
        for statistic in (neighborhood_enrichment, co_occurrence):
            with pytest.raises(InputError, match="one domain only"):
                statistic(result)


def _result(section, domains):
    spots = section.spots
    return trsmi.TRSMIResult(
        domains=domains,
        embedding=np.zeros((len(spots), 2), dtype=np.float32),
        confidence=pd.Series(1.0, index=spots),
        modality_weights=pd.DataFrame({"rna": 1.0}, index=spots),
        coordinates=section.coordinates,
        annotations=pd.DataFrame(index=spots),
        history=pd.DataFrame(),
        record={},
    )


def test_without_squidpy_it_is_said_how_to_get_it(stripes, monkeypatch):
    monkeypatch.setitem(sys.modules, "squidpy", None)
    with pytest.raises(InputError, match=r"pip install 'napari-trsmi\[squidpy\]'"):
        neighborhood_enrichment(stripes)
