"""Sampling images at spots: against sums over every pixel of small images."""

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_trsmi.errors import InputError, StoppedError
from napari_trsmi.viewer.run import footprint
from napari_trsmi.viewer.run.footprint import ImageSampler

SPOTS = np.array([[10.0, 12.0], [25.0, 40.0], [31.2, 8.7]])


def by_hand(layer, values, world, diameter):
    """Mean over the pixels whose centre lies in the spot's disc around its nearest pixel."""
    rows, columns = np.mgrid[: values.shape[-2], : values.shape[-1]]
    pixels = np.column_stack([rows.ravel(), columns.ravel()])
    places = np.array([layer.data_to_world(pixel) for pixel in pixels])
    nearest = np.rint([layer.world_to_data(spot) for spot in world])
    found = []
    for centre in nearest:
        apart = np.linalg.norm(places - layer.data_to_world(centre), axis=1)
        found.append(values.reshape(-1, len(pixels))[:, apart <= diameter / 2].mean(axis=1))
    return np.array(found)


@pytest.mark.parametrize("lazy", [False, True])
def test_channels_are_averaged_over_the_disc_in_the_world(lazy):
    values = np.random.default_rng(0).normal(size=(4, 40, 50)).astype(np.float32)
    geometry = {"scale": (0.5, 1), "translate": (3, 2), "rotate": 20}
    flat = Image(values[0], **geometry)
    world = np.array([flat.data_to_world(spot) for spot in SPOTS])
    layer = Image(da.from_array(values, chunks=(1, 16, 16)) if lazy else values, name="msi")
    layer.affine = np.block([[1, np.zeros((1, 3))], [np.zeros((3, 1)), np.eye(3)]])
    whole = np.eye(4)
    whole[1:, 1:] = flat._transforms[1:].simplified.affine_matrix
    layer.affine = whole
    sampler = ImageSampler.of(layer)
    assert sampler.feature_names == ["msi 0", "msi 1", "msi 2", "msi 3"]
    sampled = sampler.sample(world, 6.3)
    np.testing.assert_allclose(sampled, by_hand(flat, values, world, 6.3), rtol=1e-5)


def test_colours_give_mean_and_spread():
    pixels = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    layer = Image(pixels, rgb=True)
    sampler = ImageSampler.of(layer)
    sampled = sampler.sample(SPOTS, 9.0)
    flat = Image(np.zeros((40, 50)))
    mean = by_hand(flat, np.moveaxis(pixels, 2, 0).astype(float), SPOTS, 9.0)
    square = by_hand(flat, np.moveaxis(pixels, 2, 0).astype(float) ** 2, SPOTS, 9.0)
    assert sampler.feature_names[:2] == ["red mean", "green mean"]
    np.testing.assert_allclose(sampled[:, :3], mean, rtol=1e-5)
    np.testing.assert_allclose(sampled[:, 3:], np.sqrt(square - mean**2), rtol=1e-4)


def test_one_channel_is_called_by_its_layer():
    sampler = ImageSampler.of(Image(np.arange(2000.0).reshape(40, 50), name="CD3"))
    assert sampler.feature_names == ["CD3"]
    np.testing.assert_allclose(sampler.sample(SPOTS[:2], 0.1).ravel(), [512, 1290])


def test_pixels_beyond_the_edge_do_not_count():
    layer = Image(np.ones((40, 50)))
    np.testing.assert_allclose(ImageSampler.of(layer).sample(np.array([[-2.0, -2.0]]), 9.0), 1)


def test_spots_off_the_image_are_an_error():
    sampler = ImageSampler.of(Image(np.ones((40, 50)), name="stain"))
    with pytest.raises(InputError, match=r"1 spot of 4 lie outside the image 'stain'"):
        sampler.sample(np.vstack([SPOTS, [[200.0, 3.0]]]), 5.0)


class Watched:
    """An array that notes what is read of it."""

    def __init__(self, values):
        self.values, self.read = values, []
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __getitem__(self, where):
        self.read.append(self.values[where].size)
        return self.values[where]


def test_only_what_lies_under_spots_is_read(monkeypatch):
    monkeypatch.setattr(footprint, "_TILE", 100)
    array = Watched(np.random.default_rng(0).normal(size=(300, 300)))
    layer = Image(array.values)
    corners = np.array([[50.0, 50.0], [60.0, 55.0], [250.0, 250.0]])
    sampler = ImageSampler("whole", (array,), ImageSampler.of(layer).plane, rgb=False)
    sampled = sampler.sample(corners, 10.0)
    assert len(array.read) == 2
    assert sum(array.read) < 1000
    np.testing.assert_allclose(sampled, by_hand(layer, array.values, corners, 10.0), rtol=1e-5)


def test_a_coarser_level_is_read_where_it_suffices():
    fine = np.kron(np.random.default_rng(0).normal(size=(64, 64)), np.ones((4, 4)))
    levels = [Watched(fine), Watched(fine[::4, ::4])]
    plane = ImageSampler.of(Image(fine)).plane
    sampler = ImageSampler("levels", tuple(levels), plane, rgb=False)
    world = np.array([[100.0, 120.0], [60.0, 61.0]])
    coarse = sampler.sample(world, 80.0)
    assert not levels[0].read
    exact = ImageSampler("fine", (fine,), plane, rgb=False).sample(world, 80.0)
    np.testing.assert_allclose(coarse, exact, atol=0.1)
    sampler.sample(world, 8.0)
    assert levels[0].read


@pytest.mark.parametrize("shrinkage", [2, 4, 8])
def test_coarser_levels_lie_where_the_finest_does(shrinkage):
    """A coarse pixel covers several fine ones, so that its centre lies between theirs."""
    rows, columns = np.mgrid[:128, :160].astype(float)
    fine = np.stack([rows, columns])
    coarse = fine.reshape(2, 128 // shrinkage, shrinkage, 160 // shrinkage, shrinkage)
    levels = tuple(da.from_array(level) for level in (fine, coarse.mean(axis=(2, 4))))
    plane = ImageSampler.of(Image(fine[0])).plane
    sampler = ImageSampler("ramp", levels, plane, rgb=False)
    # a ramp's mean over a disc is its centre: that of the coarse pixel that the spot lies in
    centres = np.array([[40.0, 48.0], [56.0, 80.0]]) + (shrinkage - 1) / 2
    diameter = 10.0 * shrinkage
    assert sampler._level(diameter)[0] is levels[1]
    for within in (-0.49, 0.0, 0.49):
        sampled = sampler.sample(centres + within * shrinkage, diameter)
        np.testing.assert_allclose(sampled, centres, atol=1e-4)


def test_multiscale_layers_bring_their_levels():
    fine = np.zeros((64, 64))
    assert len(ImageSampler.of(Image([fine, fine[::2, ::2]], multiscale=True)).levels) == 2


def test_sampling_can_be_ended():
    def check():
        raise StoppedError

    with pytest.raises(StoppedError):
        ImageSampler.of(Image(np.ones((40, 50)))).sample(SPOTS, 5.0, check)
