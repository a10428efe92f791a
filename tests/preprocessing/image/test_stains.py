import numpy as np

from napari_trsmi.preprocessing.image.stains import find_stains, is_stained

H, E = np.array([0.55, 0.75, 0.35]), np.array([0.10, 0.85, 0.50])
H, E = H / np.linalg.norm(H), E / np.linalg.norm(E)


def mixture(strength=1.0, white=245.0, seed=0):
    rng = np.random.default_rng(seed)
    h, e = rng.gamma(1.2, 0.5, 20_000) * strength, rng.gamma(1.2, 0.4, 20_000) * strength
    h[:4000], e[4000:8000] = 0, 0
    h[8000:9000] = e[8000:9000] = 0  # glass
    density = h[:, None] * H + e[:, None] * E
    return (white * np.exp(-density)).astype(np.float32), h, e


def test_amounts_of_two_stains_are_found():
    pixels, h, e = mixture()
    stains = find_stains(pixels)
    assert stains.found
    np.testing.assert_allclose(stains.directions, [H, E], atol=0.05)
    amounts = stains.amounts(pixels)
    assert np.corrcoef(amounts[:, 0], h)[0, 1] > 0.98
    assert np.corrcoef(amounts[:, 1], e)[0, 1] > 0.98


def test_a_section_that_is_stained_fainter_has_the_same_amounts():
    (strong, *_), (faint, *_) = mixture(1.0), mixture(0.6, white=230.0)
    one, other = (find_stains(pixels).amounts(pixels) for pixels in (strong, faint))
    np.testing.assert_allclose(one.mean(axis=0), other.mean(axis=0), rtol=0.1)


def test_one_colour_falls_back_to_the_usual_stains():
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.uniform(50, 200, (5000, 1)), 3, axis=1).astype(np.float32)
    assert not find_stains(grey).found
    assert not find_stains(np.full((5000, 3), 240, dtype=np.float32)).found


def test_dark_pictures_are_not_stained():
    assert is_stained(np.full((9, 9, 3), 230, dtype=np.uint8))
    assert not is_stained(np.full((9, 9, 3), 20, dtype=np.uint8))
