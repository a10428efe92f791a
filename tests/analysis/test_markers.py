from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from napari_trsmi import simulate
from napari_trsmi.analysis.markers import COLUMNS, marker_features
from napari_trsmi.data.dataset import Kind, Modality, SpatialOmics
from napari_trsmi.errors import InputError

SPOTS = pd.Index([f"spot_{spot}" for spot in range(60)])
DOMAINS = pd.Series(["a"] * 20 + ["b"] * 40, index=SPOTS)


@pytest.fixture
def section():
    """Counts in which feature 3 of each modality is four times as high in domain a."""
    rng = np.random.default_rng(0)
    inside = (DOMAINS == "a").to_numpy()

    def table(kind):
        mean = np.full((60, 12), 20.0)
        mean[inside, 3] *= 4
        depth = rng.uniform(0.5, 2, (60, 1))  # which must not matter
        values = rng.poisson(mean * depth).astype(np.float32)
        if kind is Kind.FEATURES:
            values = mean - 30 + rng.normal(size=mean.shape)
        names = [f"{kind.value}_{feature}" for feature in range(12)]
        return AnnData(values, pd.DataFrame(index=SPOTS), pd.DataFrame(index=names))

    modalities = tuple(Modality(kind.value, kind, table(kind)) for kind in Kind)
    return SpatialOmics(modalities, np.zeros((60, 2)), SPOTS, pd.DataFrame(index=SPOTS))


def test_the_feature_that_is_higher_comes_first_in_each_modality(section):
    found = marker_features(section, DOMAINS, "a")
    assert tuple(found.columns) == COLUMNS
    assert len(found) == len(Kind) * 12
    for kind in Kind:
        own = found[found["modality"] == kind.value]
        assert own["feature"].iloc[0] == f"{kind.value}_3"
        assert own["score"].is_monotonic_decreasing
        assert own["p_adjusted"].iloc[0] < 1e-5
        assert own["p_adjusted"].between(0, 1).all()


def test_fold_changes_are_those_that_were_put_in(section):
    found = marker_features(section, DOMAINS, "a").set_index("feature")
    # a fourth of the features' sum is gone to feature 3, whatever the depth
    expected = np.log2(4 * 240 / 300)
    assert found.loc["rna_3", "log2_fold_change"] == pytest.approx(expected, abs=0.15)
    assert found.loc["chromatin_3", "log2_fold_change"] == pytest.approx(expected, abs=0.15)
    assert found.loc["protein_3", "log2_fold_change"] == pytest.approx(1.8, abs=0.3)
    assert found.loc["features_3", "log2_fold_change"] != found.loc["features_3", "score"]
    assert np.isnan(found.loc["features_3", "log2_fold_change"])


def test_a_number_and_modalities_can_be_chosen(section):
    found = marker_features(section, DOMAINS, "a", modalities=["protein", "rna"], n_per_modality=2)
    assert found["modality"].tolist() == ["rna", "rna", "protein", "protein"]


def test_tables_stay_as_they_are_and_nothing_is_said(section, capfd, no_warnings):
    before = [modality.table.X.copy() for modality in section.modalities]
    with no_warnings():
        marker_features(section, DOMAINS, "b")
    for modality, values in zip(section.modalities, before, strict=True):
        np.testing.assert_array_equal(modality.table.X, values)
    assert capfd.readouterr() == ("", "")


def test_spots_are_matched_by_name_and_those_without_domain_left_out(section):
    shuffled = DOMAINS.sample(frac=1, random_state=1)
    plain, other = (marker_features(section, labels, "a") for labels in (DOMAINS, shuffled))
    pd.testing.assert_frame_equal(plain, other)
    partly = DOMAINS.astype(object).where(DOMAINS.index != "spot_59")
    assert not marker_features(section, partly, "a").equals(plain)
    absent = DOMAINS.drop("spot_59")
    pd.testing.assert_frame_equal(
        marker_features(section, partly, "a"), marker_features(section, absent, "a")
    )


def test_simulated_domains_have_the_features_that_load_on_them():
    data = simulate("published", n_spots=400, image=False)
    domains = data.annotations["domain"]
    for domain in domains.cat.categories[1:]:  # nothing loads on the first one
        best = marker_features(data, domains, domain, modalities=["rna"], n_per_modality=1)
        gene = np.ravel(data.modalities[0].table[:, best["feature"]].X.toarray())
        means = pd.Series(gene, domains.index).groupby(domains, observed=True).mean()
        assert means.idxmax() == domain


@pytest.mark.parametrize(
    ("labels", "domain", "message"),
    [
        (DOMAINS, "c", "no domain 'c'. There are a and b"),
        (DOMAINS.where(DOMAINS == "b", "a").where(SPOTS != "spot_0", "c"), "c", "'c' has 1 spot"),
        (DOMAINS.where(SPOTS == "spot_0", "b"), "b", "together have 1 spot"),
        (DOMAINS.rename(lambda name: name.upper()), "a", "none of the spots"),
        (DOMAINS.rename({"spot_1": "spot_0"}), "a", "'spot_0' occurs more than once"),
    ],
    ids=["unknown", "one", "one-other", "elsewhere", "repeated"],
)
def test_what_cannot_be_ranked_is_refused(section, labels, domain, message):
    with pytest.raises(InputError, match=message):
        marker_features(section, labels, domain)


def test_unknown_modalities_are_refused(section):
    with pytest.raises(InputError, match="no modality 'spots'"):
        marker_features(section, DOMAINS, "a", modalities=["spots"])
