"""Pictures of every type are measured alike, and what cannot be measured is said."""

from __future__ import annotations

import numpy as np
import pytest

from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.embedding import iter_embed
from napari_trsmi.preprocessing.image.measuring import iter_measure
from napari_trsmi.preprocessing.image.opening import open_picture
from napari_trsmi.preprocessing.image.recipe import ImageFeatures

DIAMETER = 12.0
SPOTS = np.stack(np.meshgrid(np.arange(10, 190, 14), np.arange(10, 190, 14)), -1).reshape(-1, 2)


@pytest.fixture(scope="module")
def colours():
    """Two stains on white, in patches."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:200, :200]
    amounts = np.stack([np.sin(rows / 17) > 0, np.cos(columns / 23) > 0], axis=-1) + 0.1
    density = amounts @ [[0.65, 0.7, 0.29], [0.07, 0.99, 0.11]] * 0.6
    return np.clip(245 * np.exp(-density) + rng.normal(0, 3, (200, 200, 3)), 0, 255).astype(
        np.uint8
    )


def ended(steps):
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def measured(picture, measure=iter_measure, **how):
    recipe = ImageFeatures(footprints=(1,), **how)
    return ended(measure(open_picture(picture, 1.0), SPOTS.astype(float), DIAMETER, recipe))


def with_alpha(colours, alpha):
    return np.dstack([colours, np.full(colours.shape[:2], alpha, colours.dtype)])


@pytest.mark.parametrize(
    "as_given",
    [
        lambda c: c.astype(np.uint16) * 257,
        lambda c: (c / 255).astype(np.float32),
        lambda c: with_alpha(c, 255),
        lambda c: with_alpha(c.astype(np.uint16) * 257, 65535),
    ],
    ids=["16 bit", "floats", "alpha", "16 bit and alpha"],
)
def test_colours_of_any_type_are_measured_alike(colours, as_given):
    expected, found = measured(colours), measured(as_given(colours))
    assert found.names == expected.names
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-3, atol=1e-3)


def test_what_is_transparent_is_white(colours):
    clear = with_alpha(colours, 255)
    clear[:100, :, 3] = 0
    white = colours.copy()
    white[:100] = 255
    np.testing.assert_allclose(measured(clear).values, measured(white).values, rtol=1e-5)


def channels_of(colours):
    return np.moveaxis(colours, -1, 0).astype(np.float32)


@pytest.mark.parametrize("nothing", [np.nan, np.inf])
def test_a_few_spots_without_numbers_are_said(colours, nothing):
    channels = channels_of(colours)
    x, y = SPOTS[30]
    channels[1, y - 8 : y + 9, x - 8 : x + 9] = nothing
    found = measured(channels)
    assert np.flatnonzero(np.isnan(found.values).any(axis=1)).tolist() == [30]
    assert any("1 spot of 169 lie where picture has no numbers" in note for note in found.notes)
    other = measured(channels, channels=("channel 0",))  # which has them all
    assert np.isfinite(other.values).all()
    far = np.abs(SPOTS - (x, y)).max(axis=1) > 30
    whole = measured(channels_of(colours))
    np.testing.assert_allclose(found.values[far], whole.values[far], rtol=0.05, atol=0.02)


@pytest.mark.parametrize("rows", [60, 200])
def test_many_spots_without_numbers_are_an_error(colours, rows):
    channels = channels_of(colours)
    channels[:, :rows] = np.nan
    with pytest.raises(InputError, match="no numbers"):
        measured(channels)
    with pytest.raises(InputError, match="no numbers"):
        measured(channels, iter_embed, embed=lambda patches: patches.mean(axis=(2, 3)), patch=16)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros((0, 0, 3), np.uint8), r"shape \(0, 0, 3\)"),
        (np.zeros((1, 1, 3), np.uint8), r"169 spots of 169 lie outside picture \(1 x 1 pixels\)"),
        (np.array([["a", "b"]]), "needs numbers"),
        (np.zeros((9, 9), complex), "needs numbers"),
        (np.zeros((1, 200, 200, 3), np.uint8), r"shape \(1, 200, 200, 3\)"),
        (np.zeros((200, 200, 7), np.uint16), r"Give \(channels, height, width\)"),
        (np.full((200, 200, 3), np.nan, np.float32), "no numbers"),
        (np.full((200, 200, 3), -1.0), "no colours"),
    ],
)
def test_what_is_no_picture_is_said(picture, said):
    with pytest.raises(InputError, match=said):
        measured(picture)


def test_a_model_sees_bright_and_dark_spots_in_one_unit(colours):
    """Each patch was brought to its own brightest pixel."""
    channels = (channels_of(colours) * 16).astype(np.uint16)
    channels[:, :100] //= 4
    found = measured(channels, iter_embed, embed=lambda p: p.mean(axis=(2, 3)), patch=16).values
    above, below = found[SPOTS[:, 1] < 85], found[SPOTS[:, 1] > 115]
    assert above.mean() < 0.4 * below.mean()
    assert found.max() <= 1
