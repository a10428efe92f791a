from __future__ import annotations

import numpy as np
import pytest

from napari_trsmi import score
from trsmi_benchmark import mixture
from trsmi_benchmark.mixture import eee_domains

LABELS = np.repeat([0, 1, 2], 60)


@pytest.fixture
def points():
    """Three elongated groups that k-means cuts across and one shared covariance does not."""
    rng = np.random.default_rng(0)
    centers = np.array([[0, 0, 0], [0, 3, 0], [0, 6, 0]])[LABELS]
    return centers + rng.normal(size=(180, 3)) * [6, 0.5, 0.5]


def test_stretched_groups_are_found(points):
    found = eee_domains(points, 3, np.arange(180), seed=0)
    assert set(found) == {1, 2, 3}
    assert score(LABELS, found).ari > 95


def test_clusters_do_not_depend_on_the_files_order(points):
    found = eee_domains(points, 3, np.arange(180), seed=0)
    shuffled = np.random.default_rng(1).permutation(180)
    # the spots of the shuffled file in the same order as before
    again = eee_domains(points[shuffled], 3, np.argsort(shuffled), seed=0)
    np.testing.assert_array_equal(again, found[shuffled])


def test_of_many_points_a_sample_is_linked(points, monkeypatch):
    monkeypatch.setattr(mixture, "_SAMPLE", 90)
    assert score(LABELS, eee_domains(points, 3, np.arange(180), seed=0)).ari > 95


def test_scale_and_shift_do_not_matter(points):
    found = eee_domains(points, 3, np.arange(180), seed=0)
    again = eee_domains(points * 1e-6 + 5, 3, np.arange(180), seed=0)
    assert score(found, again).ari == 100
