import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from napari_trsmi.clustering.scale import (
    Tissue,
    domains_by_scale,
    embedding_at,
    hops_at,
    modality_shares,
)
from napari_trsmi.clustering.views import region_embedding, region_views
from napari_trsmi.config import Config
from napari_trsmi.graphs.neighbors import spatial_graph

SIDE = 24


@pytest.fixture(scope="module")
def section():
    """Three stripes, over which two kinds of spots are strewn that differ more than the stripes."""
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    rng = np.random.default_rng(0)
    stripe = x.ravel() * 3 // SIDE
    kind = rng.integers(2, size=SIDE**2)
    features = [
        2.0 * np.eye(6)[stripe] + 6.0 * np.eye(6)[3 + kind] + rng.normal(size=(SIDE**2, 6))
        for _ in range(2)
    ]
    coordinates = np.column_stack([x.ravel(), y.ravel()]).astype(float)
    return features, spatial_graph(coordinates, 4), stripe, kind


@pytest.fixture(scope="module")
def tissue(section):
    features, spatial, *_ = section
    return Tissue.of(features, spatial, Config())


@pytest.fixture(scope="module")
def states(section):
    return np.hstack(section[0])


def test_the_reach_doubles_with_every_quarter():
    assert hops_at(1, 16, 10_000) == (3, 4, 6, 8, 12, 16)
    assert hops_at(0.75, 16, 10_000) == (2, 3, 4, 6, 8)
    assert hops_at(0.25, 16, 10_000) == (1, 2)
    assert hops_at(1e-9, 16, 10_000) == (1,)
    assert max(hops_at(1, 16, 900)) == 10, "a third of the side"
    assert hops_at(1, 16, 4) == (1,)


def test_views_are_averages_of_the_axes_at_their_weights(tissue):
    views = list(region_views(tissue.factors, tissue.spatial, hops=(0, 2), n_factors=(1, 3, 20)))
    assert [(view.hops, view.points.shape[1]) for view in views] == 2 * [
        (0, 2),
        (0, 6),
        (0, 12),
        (2, 2),
        (2, 6),
        (2, 12),
    ]
    dense = tissue.spatial.toarray() + np.eye(SIDE**2)
    dense /= dense.sum(axis=1, keepdims=True)
    first = tissue.factors[0][:, 0]
    expected = dense @ dense @ first
    expected -= expected.mean()
    got = views[3].points[:, 0]
    np.testing.assert_allclose(got / got.std(), expected / expected.std(), atol=1e-9)
    neighbors = tissue.spatial.tocoo()
    noise = np.mean((first[neighbors.row] - first[neighbors.col]) ** 2) / 2
    assert got.std() == pytest.approx(np.sqrt(first.var() / noise - 1))
    whole = region_embedding(tissue.factors, tissue.spatial, hops=2)
    np.testing.assert_allclose(whole, views[5].points)


def test_regions_at_one_end_and_states_at_the_other(section, tissue, states):
    _, _, stripe, kind = section
    regions = domains_by_scale(None, tissue, Config(n_domains=3, all_scales=False))
    assert adjusted_rand_score(stripe, regions[1.0].labels) > 0.95
    strewn = domains_by_scale(states, tissue, Config(n_domains=2, scale=0, all_scales=False))
    assert adjusted_rand_score(kind, strewn[0.0].labels) > 0.95


def test_every_scale_is_found_and_numbers_follow_the_runs_own(tissue, states):
    found = domains_by_scale(states, tissue, Config(n_domains=3))
    assert next(iter(found)) == 1.0
    assert sorted(found) == [0.0, 0.25, 0.5, 0.75, 1.0]
    own = found[1.0]
    assert (np.diff(np.bincount(own.labels)[1:]) <= 0).all()
    assert adjusted_rand_score(own.labels, found[0.75].labels) > 0.9
    assert (found[0.75].labels == own.labels).mean() > 0.9, "the same numbers, not only parts"
    for domains in found.values():
        assert ((domains.confidence >= 0) & (domains.confidence <= 1)).all()


def test_a_scale_between_is_found_too(tissue, states):
    config = Config(n_domains=3, scale=0.6)
    assert sorted(domains_by_scale(states, tissue, config)) == [0, 0.25, 0.5, 0.6, 0.75, 1]


def test_the_number_is_the_most_that_the_views_agree_on(tissue):
    config = Config(n_domains="auto", min_domains=2, max_domains=6, all_scales=False)
    found = domains_by_scale(None, tissue, config)[1.0]
    assert found.curve is not None
    assert found.curve["n_domains"].tolist() == [2, 3, 4, 5, 6]
    assert found.labels.max() == 3, "bands along boundaries are no regions"


def test_leiden_works_at_every_scale(tissue, states):
    found = domains_by_scale(states, tissue, Config(clustering="leiden", n_domains=3))
    assert all(domains.labels.max() == 3 for domains in found.values())


def test_the_same_seed_gives_the_same_domains(tissue):
    config = Config(n_domains=3, all_scales=False, seed=4)
    one, other = (domains_by_scale(None, tissue, config)[1.0] for _ in range(2))
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.confidence, other.confidence)


def test_it_can_be_stopped(tissue):
    def stop():
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        domains_by_scale(None, tissue, Config(n_domains=3, all_scales=False), check=stop)


def test_shares_are_those_of_the_norms(tissue):
    embedding = embedding_at(1.0, None, tissue, Config())
    shares = modality_shares(tissue, embedding)
    halves = [np.linalg.norm(part, axis=1) for part in np.split(embedding, 2, axis=1)]
    np.testing.assert_allclose(shares[:, 0], halves[0] / (halves[0] + halves[1]))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (modality_shares(tissue, np.zeros_like(embedding)) == 0.5).all()


def test_a_view_of_some_spots_has_their_points(tissue):
    view = list(region_views(tissue.factors, tissue.spatial, hops=(0, 2), n_factors=(1, 3)))[-1]
    rows = np.array([3, 0, 7])
    np.testing.assert_array_equal(view.at(rows), view.points[rows])
    np.testing.assert_array_equal(view.only(rows).points, view.points[rows])
    np.testing.assert_allclose(view.points.std(axis=0), view.scale * _stds(view), rtol=1e-6)


def _stds(view):
    return np.hstack([b[:, :n] for b, n in zip(view.averages, view.widths, strict=True)]).std(
        axis=0
    )
