import numpy as np
import pytest

from napari_trsmi.preprocessing.metabolite import metabolite_components, relative_intensities


def test_a_spots_total_and_the_unit_do_not_matter():
    rng = np.random.default_rng(0)
    values = rng.gamma(1.0, 2.0, (30, 8))
    by_spot = rng.uniform(0.1, 9, (30, 1))
    np.testing.assert_allclose(
        relative_intensities(values), relative_intensities(values * by_spot * 1e5)
    )


def test_the_formula():
    found = relative_intensities(np.array([[1.0, 3.0], [0.0, 2.0], [0.0, 0.0]]))
    shares = np.array([[0.25, 0.75], [0.0, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(found, np.log1p(shares / 0.75))


@pytest.mark.parametrize("sparse", [True, False])
def test_components_are_finite_where_an_ion_is_constant(as_table, sparse):
    rng = np.random.default_rng(1)
    values = np.column_stack([rng.gamma(1.0, 2.0, (40, 6)), np.zeros(40)])
    found, notes = metabolite_components(as_table(values, sparse=sparse), n_components=3, seed=0)
    assert found.shape == (40, 3)
    assert np.isfinite(found).all()
    assert notes == []
