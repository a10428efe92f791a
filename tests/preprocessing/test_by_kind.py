import numpy as np
import pytest

from napari_trsmi.config import Config
from napari_trsmi.data.dataset import Kind, Modality
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing import feature_matrix

CONFIG = Config(n_components=8, n_top_genes=60)


def test_every_kind_gives_components_that_show_the_domains(simulated):
    """The best component of each modality differs more between domains than by chance."""
    domain = simulated.annotations["domain"].to_numpy(dtype=str)
    same = domain[:, None] == domain
    for modality in simulated.modalities:
        found, notes = feature_matrix(modality, CONFIG)
        assert found.shape == (144, 8)
        assert found.dtype == np.float32
        distances = np.linalg.norm(found[:, None] - found, axis=2)
        assert distances[same].mean() < 0.97 * distances[~same].mean()
        assert all(note.startswith(f"{modality.name}: ") for note in notes)
        assert all(note.endswith(".") for note in notes)


@pytest.mark.parametrize("sparse", [True, False])
def test_ready_features_are_used_as_they_are(as_table, sparse):
    features = np.random.default_rng(0).normal(size=(20, 7))
    modality = Modality("x", Kind.FEATURES, as_table(features, sparse=sparse))
    found, notes = feature_matrix(modality, CONFIG)
    np.testing.assert_array_equal(found, features.astype(np.float32))
    assert notes == []


def test_many_ready_features_are_reduced_and_it_is_said(as_table):
    features = np.random.default_rng(0).normal(size=(40, 12))
    modality = Modality("x", Kind.FEATURES, as_table(features, sparse=False))
    found, notes = feature_matrix(modality, Config(n_components=5))
    centred = features - features.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(found), np.abs(left[:, :5] * values[:5]), atol=1e-4)
    assert notes == ["x: 12 ready features reduced to 5 principal components."]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_table_without_differences_is_an_error_that_names_it(as_table, kind):
    table = as_table(np.tile([3.0, 1.0, 7.0], (20, 1)))
    with pytest.raises(InputError, match=r"'mine': after preprocessing all spots are the same"):
        feature_matrix(Modality("mine", kind, table), CONFIG)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_seed_makes_it_repeatable(as_table, counts, kind):
    modality = Modality("x", kind, as_table(counts(60, 100)))
    first, again = (feature_matrix(modality, CONFIG)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
