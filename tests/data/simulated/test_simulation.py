from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.simulated import simulation
from napari_trsmi.data.simulated.simulation import SETTINGS, Assay, simulate
from napari_trsmi.errors import ConfigError

NAMES = ("rna", "protein", "chromatin")


def dense(data, name):
    return data.modalities[data.names.index(name)].table.X.toarray()


def domain_of(data):
    return data.annotations["domain"].cat.codes.to_numpy()


@pytest.fixture(scope="module")
def published():
    return simulate("published", image=False)


def test_published_setting_has_the_published_shapes_and_class_sizes(published):
    sizes = published.annotations["domain"].value_counts().sort_index()
    assert sizes.to_dict() == {"0": 432, "1": 180, "2": 288, "3": 216, "4": 180}
    assert [m.table.shape for m in published.modalities] == [
        (1296, 1000),
        (1296, 100),
        (1296, 1000),
    ]
    for axis in (0, 1):
        assert len(np.unique(published.coordinates[:, axis])) == 36
    assert len(np.unique(published.coordinates, axis=0)) == 1296


@pytest.mark.parametrize("name", NAMES)
def test_published_counts_follow_the_factors(published, name):
    """Zeros and means, in a feature's own domain and elsewhere, are those of the mixture."""
    assay = SETTINGS["published"].assays[Kind(name)]
    counts, domains = dense(published, name), domain_of(published)
    own = 1 + np.argmax([counts[domains == domain].mean(axis=0) for domain in range(1, 5)], axis=0)
    on = domains[:, np.newaxis] == own
    for entries, spatial in ((counts[on], 11), (counts[~on], 0)):
        idle, busy = assay.background + spatial, assay.background + spatial + 9
        share = assay.nonspatial_share
        zero = (1 - share) * (1 + idle / 10) ** -10 + share * (1 + busy / 10) ** -10
        mean = (1 - share) * idle + share * busy
        kept = 1 - assay.zeroed
        assert np.mean(entries == 0) == pytest.approx(1 - kept * (1 - zero), abs=0.012)
        noisy_mean = kept * (assay.multiplier * mean + 2 * (1 - zero))
        assert entries.mean() == pytest.approx(noisy_mean, rel=0.05)


def test_modalities_share_their_nonspatial_factors(published):
    """Within the background, no feature has a spatial factor on; what is left is shared."""
    background = domain_of(published) == 0
    spots = {name: np.log1p(dense(published, name)[background]) for name in NAMES}
    axes = {
        name: np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[0] for name, x in spots.items()
    }
    for first, second in combinations(NAMES, 2):
        shared = np.linalg.svd(axes[first][:, :3].T @ axes[second][:, :3], compute_uv=False)
        assert shared.min() > 0.75  # canonical correlations; nested at .2 and .25 they are .87


def test_protein_counts_are_tens_plus_noise(published):
    counts = dense(published, "protein")
    noise = counts[counts > 0] % 10
    assert noise.mean() == pytest.approx(2, abs=0.02)
    assert noise.std() == pytest.approx(np.sqrt(0.5**2 + 1 / 12), abs=0.02)


def test_counts_are_negative_binomial_whichever_block_draws_them(monkeypatch):
    monkeypatch.setattr(simulation, "_ENTRIES_AT_ONCE", 10_000)  # 100 rows at once
    assay = Assay(n_features=100, background=2.0, nonspatial_share=0.0)
    bare = replace(
        SETTINGS["published"], assays={Kind.RNA: assay}, noise_mean=0.0, noise_sd=0.0, nb_size=4.0
    )
    data = simulate(bare, modalities=["rna"], image=False)
    counts, domains = dense(data, "rna"), domain_of(data)
    own = 1 + np.argmax([counts[domains == domain].mean(axis=0) for domain in range(1, 5)], axis=0)
    on = domains[:, np.newaxis] == own
    for rows in (slice(0, 648), slice(648, None)):
        for entries, mean in ((counts[rows][on[rows]], 13.0), (counts[rows][~on[rows]], 2.0)):
            assert entries.mean() == pytest.approx(mean, rel=0.03)
            assert entries.var() == pytest.approx(mean + mean**2 / 4, rel=0.06)


def visible_pairs(data, name):
    """Pairs of domains that some feature of one modality tells apart beyond doubt."""
    counts, domains = np.log1p(dense(data, name)), domain_of(data)
    groups = [counts[domains == domain] for domain in range(domains.max() + 1)]
    return {
        pair
        for pair in combinations(range(len(groups)), 2)
        if np.abs(stats.ttest_ind(*(groups[d] for d in pair), equal_var=False).statistic).max() > 8
    }


@pytest.mark.parametrize(
    ("setting", "sees"),
    [
        ("complementary", {"rna": {1, 2}, "protein": {2, 3}, "chromatin": {3, 4}}),
        ("tissue", {"rna": {1, 2, 3}, "protein": {3, 4, 5}}),
    ],
)
def test_no_modality_alone_tells_all_domains_apart_but_together_they_do(setting, sees):
    data = simulate(setting, modalities=list(sees), image=False)
    n_domains = len(data.annotations["domain"].cat.categories)
    pairs = set(combinations(range(n_domains), 2))
    for name, seen in sees.items():
        assert visible_pairs(data, name) == {pair for pair in pairs if seen & set(pair)}
    assert set.union(*(visible_pairs(data, name) for name in sees)) == pairs


def test_published_modalities_each_see_every_domain(published):
    for name in NAMES:
        assert len(visible_pairs(published, name)) == 10


def test_noisy_setting_buries_the_signal(published):
    noisy = simulate("noisy", image=False)
    for name in NAMES:
        contrast = []
        for data in (published, noisy):
            counts, domains = np.log1p(dense(data, name)), domain_of(data)
            means = np.array([counts[domains == domain].mean(axis=0) for domain in range(5)])
            contrast.append(np.median(np.ptp(means, axis=0) / counts.std(axis=0)))
        assert contrast[1] < 0.5 * contrast[0]


def test_imbalanced_setting_has_two_small_domains():
    domains = domain_of(simulate("imbalanced", modalities=["protein"], image=False))
    assert np.bincount(domains).tolist() == [720, 36, 288, 216, 36]


def test_dropout_loses_spots_at_random_places(published):
    data = simulate("dropout", modalities=["protein"], image=False)
    places = {tuple(place) for place in data.coordinates}
    assert data.n_spots == len(places) == 907
    assert places < {tuple(place) for place in published.coordinates}
    kept = np.bincount(domain_of(data)) / np.bincount(domain_of(published))
    assert np.all((kept > 0.55) & (kept < 0.85))


def test_order_and_names_of_spots_say_nothing_about_position(published):
    number = np.arange(published.n_spots)
    for axis in (0, 1):
        assert abs(np.corrcoef(number, published.coordinates[:, axis])[0, 1]) < 0.1
    domains = domain_of(published)
    chance = np.sum((np.bincount(domains) / len(domains)) ** 2)
    assert np.mean(domains[1:] == domains[:-1]) == pytest.approx(chance, abs=0.05)
    assert published.spots[12] == "spot_00012"


def test_tables_agree_with_the_container_and_hold_whole_counts(published):
    annotations = published.annotations
    assert annotations["domain"].cat.categories.tolist() == ["0", "1", "2", "3", "4"]
    for modality in published.modalities:
        table = modality.table
        assert isinstance(table.X, sparse.csr_matrix)
        assert (table.X.dtype, table.X.has_sorted_indices) == (np.float32, True)
        assert table.X.data.min() >= 1
        assert np.array_equal(table.X.data, np.rint(table.X.data))
        pd.testing.assert_frame_equal(table.obs, annotations)
        assert np.array_equal(table.obsm["spatial"], published.coordinates)
        assert table.var_names.is_unique
    assert list(published.digests) == list(NAMES)


def test_a_seed_fixes_everything_and_another_changes_it():
    def made(seed, **kwargs):
        return simulate("dropout", n_spots=200, seed=seed, image=False, **kwargs)

    first, again, other = made(3), made(3), made(4)
    assert first.digests == again.digests
    assert np.array_equal(first.coordinates, again.coordinates)
    assert not set(first.digests.values()) & set(other.digests.values())
    assert not np.array_equal(first.coordinates, other.coordinates)


def test_leaving_out_a_modality_or_the_image_changes_nothing_else():
    everything = simulate("tissue", n_spots=150)
    alone = simulate("tissue", n_spots=150, modalities=["chromatin"], image=False)
    assert alone.digests == {"chromatin": everything.digests["chromatin"]}
    assert np.array_equal(alone.coordinates, everything.coordinates)
    assert (alone.image, everything.image.scale) == (None, 1.0)


@settings(max_examples=40, deadline=None)
@given(
    setting=st.sampled_from(sorted(SETTINGS)),
    n_spots=st.integers(1, 3000),
    modalities=st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    n_features=st.integers(1, 7),
)
def test_any_size_and_choice_of_modalities(setting, n_spots, modalities, n_features):
    data = simulate(
        setting,
        n_spots=n_spots,
        modalities=modalities,
        n_features=dict.fromkeys(modalities, n_features),
        image=False,
    )
    assert data.names == tuple(modalities)
    assert data.coordinates.shape == (n_spots, 2)
    assert data.spots.is_unique
    assert not data.annotations["domain"].isna().any()
    assert all(m.table.shape == (n_spots, n_features) for m in data.modalities)
    assert len(np.unique(data.coordinates, axis=0)) == n_spots
    assert data.spot_diameter > 0


def test_more_spots_sample_the_same_tissue():
    share = {
        n_spots: np.bincount(
            domain_of(simulate(n_spots=n_spots, modalities=["protein"], image=False))
        )
        / n_spots
        for n_spots in (1296, 12 * 1296)
    }
    assert share[12 * 1296] == pytest.approx(share[1296], abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"setting": "publishd"}, "No setting 'publishd'; choose one of published"),
        ({"modalities": ["rna", "adt"]}, "No modality 'adt'; the setting has rna, protein"),
        ({"n_features": {"atac": 5}}, "No modality 'atac'"),
        ({"modalities": []}, "name at least one"),
        ({"modalities": ["rna", "rna"]}, "each once"),
        ({"n_features": {"rna": 0}}, "n_features of 'rna'"),
        ({"n_spots": 0}, "n_spots is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_simulated_says_why(arguments, message):
    with pytest.raises(ConfigError, match=message):
        simulate(**arguments)
