import json

import numpy as np
import pytest

from napari_trsmi.errors import InputError
from napari_trsmi.spots.landmarks import Registration, fit_landmarks

SPOTS = np.array([(1000, 1200), (9000, 900), (8700, 8100), (1500, 9000), (5200, 4700)], dtype=float)


def turned(places, angle=17.0, scale=0.137, shift=(212.0, 88.0), mirrored=False):
    a = np.deg2rad(angle)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return scale * (places * (1, -1 if mirrored else 1)) @ turn.T + shift


@pytest.mark.parametrize("kind", ["similarity", "affine"])
def test_five_pairs_recover_a_turned_scaled_and_shifted_picture(kind):
    """Clicks are off by a tenth of a pixel or so."""
    rng = np.random.default_rng(0)
    clicked = turned(SPOTS) + rng.normal(0, 0.05, SPOTS.shape)
    found = fit_landmarks(SPOTS, clicked, kind=kind)
    everywhere = rng.uniform(1000, 9000, (500, 2))
    off = np.linalg.norm(found.to_picture(everywhere) - turned(everywhere), axis=1)
    assert off.max() < 0.1
    assert found.angle == pytest.approx(17, abs=0.1)
    assert found.scale == pytest.approx(0.137, rel=1e-3)
    assert not found.is_mirrored
    np.testing.assert_allclose(found.to_spots(found.to_picture(everywhere)), everywhere)
    assert found.suspect is None


@pytest.mark.parametrize("kind", ["similarity", "affine"])
@pytest.mark.parametrize("bad", range(5))
def test_a_bad_pair_is_named(kind, bad):
    clicked = turned(SPOTS) + np.random.default_rng(1).normal(0, 0.05, SPOTS.shape)
    clicked[bad] += (60, -35)
    found = fit_landmarks(SPOTS, clicked, kind=kind)
    assert found.suspect == bad
    assert found.left_out[bad] > 400  # coordinate units: 60 pixels are 440 of them


def test_a_mirrored_picture_is_told():
    found = fit_landmarks(SPOTS, turned(SPOTS, mirrored=True))
    assert found.is_mirrored
    assert found.residuals.max() < 1e-6


def test_it_is_written_down_and_comes_back():
    found = fit_landmarks(SPOTS, turned(SPOTS), kind="affine")
    again = Registration.of_written(json.loads(json.dumps(found.written())))
    np.testing.assert_allclose(again.matrix, found.matrix)


@pytest.mark.parametrize(
    ("spots", "picture", "kind", "said"),
    [
        (SPOTS[:1], SPOTS[:1], "similarity", "needs 2 pairs"),
        (SPOTS[:2], SPOTS[:2], "affine", "needs 3 pairs"),
        (SPOTS, SPOTS[:4], "affine", "shapes"),
        (SPOTS, SPOTS * np.nan, "affine", "no numbers"),
        (SPOTS * 0, SPOTS, "similarity", "one place"),
        (SPOTS[:, :1] * [1, 1], SPOTS, "affine", "one line"),
        (SPOTS, SPOTS, "elastic", "'similarity' or 'affine'"),
    ],
)
def test_pairs_that_give_no_transform_are_refused(spots, picture, kind, said):
    with pytest.raises(InputError, match=said):
        fit_landmarks(spots, picture, kind=kind)
