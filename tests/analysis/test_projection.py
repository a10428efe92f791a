from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from napari_trsmi.analysis.projection import project
from napari_trsmi.errors import InputError


def test_pca_is_the_principal_components():
    values = np.random.default_rng(0).normal(size=(300, 8)) * np.arange(1, 9)
    found = project(values)
    expected = PCA(2).fit_transform(values)
    assert found.dtype == np.float32
    for axis in range(2):
        assert abs(np.corrcoef(found[:, axis], expected[:, axis])[0, 1]) > 0.9999
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-4)


def test_many_spots_keep_the_same_axes():
    values = np.random.default_rng(0).normal(size=(30_000, 4)) * [9, 3, 1, 1]
    found = project(values)
    assert abs(np.corrcoef(found[:, 0], values[:, 0])[0, 1]) > 0.999
    np.testing.assert_array_equal(found, project(values))


@pytest.mark.parametrize("shape", [(1, 5), (2, 1), (3, 2)])
@pytest.mark.parametrize("method", ["pca", "umap"])
def test_few_spots_and_dimensions_will_do(shape, method):
    values = np.random.default_rng(0).normal(size=shape)
    if method == "umap" and len(values) < 3:
        with pytest.raises(InputError, match="at least 3 spots"):
            project(values, method)
    else:
        found = project(values, method)
        assert found.shape == (shape[0], 2)
        assert np.isfinite(found).all()


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_spots_that_are_all_the_same_lie_at_one_place(method):
    np.testing.assert_array_equal(project(np.ones((20, 3)), method), 0)


def test_umap_keeps_groups_apart_says_nothing_and_repeats(capfd, no_warnings):
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], 20)
    values = rng.normal(size=(60, 5)) + 50 * np.eye(5)[group]
    with no_warnings():
        found = project(values, "umap", seed=3)
    centres = np.array([found[group == number].mean(axis=0) for number in range(3)])
    nearest = np.linalg.norm(found[:, np.newaxis] - centres, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, group)
    np.testing.assert_array_equal(project(values, "umap", seed=3), found)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "values",
    [np.zeros(4), np.zeros((0, 3)), np.zeros((3, 0)), np.full((3, 2), np.nan)],
    ids=["flat", "no-spots", "no-dimensions", "nan"],
)
def test_what_is_no_embedding_is_refused(values):
    with pytest.raises(InputError, match="cannot be laid out"):
        project(values)


def test_unknown_methods_are_refused():
    with pytest.raises(InputError, match="choose pca or umap"):
        project(np.zeros((4, 2)), "tsne")
