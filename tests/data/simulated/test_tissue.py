from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from napari_trsmi.data.simulated.histology import paint
from napari_trsmi.data.simulated.tissue import GLASS, IMAGE_SIDE, Organ, Quilt

QUILT = Quilt(cells=((1, 6, 7, 8, 13), (35,)))
TISSUES = pytest.mark.parametrize("tissue", [QUILT, Organ()], ids=["quilt", "organ"])


def every_pixel():
    row, column = np.indices((IMAGE_SIDE, IMAGE_SIDE))
    return np.column_stack([column.ravel(), row.ravel()]).astype(float)


@pytest.fixture(scope="module")
def section():
    """An organ's image, and the domain of every pixel."""
    pixels = paint(Organ(), np.random.default_rng(0))
    return pixels, Organ().domain_at(every_pixel()).reshape(IMAGE_SIDE, IMAGE_SIDE)


def test_quilt_places_belong_to_the_cell_they_lie_in():
    places, pitch = QUILT.lattice(36)
    expected = np.zeros(36)
    expected[[1, 6, 7, 8, 13]], expected[35] = 1, 2
    assert QUILT.domain_at(places).tolist() == expected.tolist()
    assert places[1] - places[0] == pytest.approx([pitch, 0])
    assert places[6] - places[0] == pytest.approx([0, pitch])


@TISSUES
def test_outside_the_tissue_is_glass(tissue):
    corners = np.array([[0, 0], [IMAGE_SIDE - 1, 0], [0, IMAGE_SIDE - 1], [-50, 3], [600, 4000]])
    assert set(tissue.domain_at(corners.astype(float))) == {GLASS}


@TISSUES
@pytest.mark.parametrize("n_spots", [1, 7, 500, 2300])
def test_lattice_has_as_many_places_as_asked_for_all_on_the_tissue(tissue, n_spots):
    places, _ = tissue.lattice(n_spots)
    assert places.shape == (n_spots, 2)
    domains = tissue.domain_at(places)
    assert domains.min() >= 0
    assert domains.max() < tissue.n_domains


def test_organ_is_sampled_hexagonally():
    places, pitch = Organ().lattice(2300)
    neighbours = cKDTree(places).query_ball_point(places, pitch * 1.01, return_length=True) - 1
    assert np.median(neighbours) == 6
    assert cKDTree(places).query(places, k=2)[0][:, 1] == pytest.approx(pitch)


def test_organ_has_six_domains_of_some_size_at_every_resolution():
    shares = []
    for n_spots in (2300, 30_000):
        domains = Organ().domain_at(Organ().lattice(n_spots)[0])
        shares.append(np.bincount(domains, minlength=6) / n_spots)
    assert min(shares[0]) > 0.05
    assert shares[0] == pytest.approx(shares[1], abs=0.02)


def test_organ_differs_by_its_seed():
    places, _ = Organ(1).lattice(500)
    assert np.mean(Organ(1).domain_at(places) != Organ(2).domain_at(places)) > 0.2


def test_image_is_fixed_by_its_seed(section):
    pixels, _ = section
    assert (pixels.shape, pixels.dtype) == ((IMAGE_SIDE, IMAGE_SIDE, 3), np.uint8)
    assert np.array_equal(pixels, paint(Organ(), np.random.default_rng(0)))
    assert not np.array_equal(pixels, paint(Organ(), np.random.default_rng(1)))


def test_image_is_in_register_with_the_domains(section):
    pixels, domains = section
    green = pixels[..., 1].astype(float)
    tissue = domains != GLASS
    assert np.mean((green < 225) == tissue) > 0.97
    for turned in (np.transpose(tissue), tissue[::-1], tissue[:, ::-1]):
        assert np.mean((green < 225) == turned) < 0.97


def test_image_has_the_colours_of_haematoxylin_and_eosin(section):
    pixels, domains = section
    glass, tissue = (pixels[mask].astype(float) for mask in (domains == GLASS, domains != GLASS))
    assert np.median(glass, axis=0).min() > 235
    red, green, blue = tissue.T
    stained = green < 225
    assert np.mean(green[stained] < np.minimum(red, blue)[stained]) > 0.97  # pink to purple
    nuclei = red < 130
    assert 0.03 < np.mean(nuclei) < 0.4
    assert np.mean(blue[nuclei] > red[nuclei]) > 0.9
    assert np.median((red - blue)[~nuclei]) > 0


def test_domains_show_in_the_image_but_no_pixel_gives_its_domain_away(section):
    pixels, domains = section
    red = pixels[..., 0].astype(float)
    cells = [np.mean(red[domains == domain] < 130) for domain in range(Organ().n_domains)]
    assert cells[Organ.NODULE] > 2 * cells[Organ.STROMA]
    median = np.array([np.median(pixels[domains == d], axis=0) for d in range(6)])
    own = pixels[domains != GLASS][::97].astype(float)
    nearest = np.argmin(np.linalg.norm(own[:, np.newaxis] - median, axis=2), axis=1)
    assert np.mean(nearest == domains[domains != GLASS][::97]) < 0.5
