"""The picture of an image layer as a result carries it: in its colours, not too large, in place."""

import numpy as np
import pytest
from napari.layers import Image

from napari_trsmi.viewer.run.picture import LayerPicture


def test_a_picture_in_colour_is_taken_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    tissue = LayerPicture.of(Image(pixels, rgb=True)).tissue()
    np.testing.assert_array_equal(tissue.pixels, pixels[..., :3])
    assert tissue.scale == 1


@pytest.mark.parametrize(("dtype", "most"), [(np.uint16, 65535), (np.float32, 1)])
def test_deep_colours_become_eight_bits(dtype, most):
    pixels = np.full((5, 5, 3), most, dtype=dtype)
    pixels[0, 0] = 0
    tissue = LayerPicture.of(Image(pixels, rgb=True)).tissue()
    assert tissue.pixels.dtype == np.uint8
    assert tissue.pixels[0, 0].tolist() == [0, 0, 0]
    assert tissue.pixels[1, 1].tolist() == [255, 255, 255]


def test_one_channel_is_taken_in_the_colours_in_which_it_is_shown():
    pixels = np.array([[0, 100], [200, 400]], dtype=np.uint16)
    layer = Image(pixels, contrast_limits=(100, 300), colormap="green")
    tissue = LayerPicture.of(layer).tissue()
    np.testing.assert_allclose(tissue.pixels[..., 1], [[0, 0], [128, 255]], atol=1)
    assert not tissue.pixels[..., [0, 2]].any()


def test_of_a_pyramid_a_level_that_is_small_enough_is_read():
    levels = [np.zeros((6000 // k, 3000 // k, 3), dtype=np.uint8) for k in (1, 2, 4)]
    tissue = LayerPicture.of(Image(levels, rgb=True, multiscale=True)).tissue()
    assert tissue.pixels.shape == (3000, 1500, 3)
    assert tissue.scale == 0.5


def test_a_large_picture_is_thinned():
    pixels = np.zeros((10, 9001, 3), dtype=np.uint8)
    pixels[0, 6000] = 255
    tissue = LayerPicture.of(Image(pixels, rgb=True)).tissue()
    assert tissue.pixels.shape[1] == 3001
    assert tissue.pixels[0, round(6000 * tissue.scale)].all()
