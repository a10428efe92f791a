import numpy as np
import pytest

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.measuring import iter_measure
from napari_trsmi.preprocessing.image.picture import ChannelsLast, Picture, scaled_only
from napari_trsmi.preprocessing.image.recipe import ImageFeatures

GRID = np.array([(x, y) for y in range(60, 870, 60) for x in range(60, 870, 60)], dtype=float)


def measure(picture, coordinates, diameter, recipe=None):
    steps = iter_measure(picture, coordinates, diameter, recipe or ImageFeatures())
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def column(measured, name):
    return measured.values[:, measured.names.index(name)]


def truly_under(centers, radius):
    apart = np.hypot(*(GRID[:, None, ::-1] - centers).transpose(2, 0, 1))
    return (apart <= radius).sum(axis=1)


def test_nuclei_are_counted(cells):
    pixels, centers = cells
    measured = measure(Picture.of_tissue(TissueImage(pixels)), GRID, 55.0)
    found = column(measured, "nuclei 1x")
    true = truly_under(centers, 27.5)
    assert np.corrcoef(found, true)[0, 1] > 0.95
    assert abs(found.sum() / true.sum() - 1) < 0.15
    assert 20 < np.nanmedian(column(measured, "nuclei area 1x")) < 110  # 38 to 79 are true


def test_labels_of_another_program_are_counted_as_they_are(cells):
    pixels, centers = cells
    labels = np.zeros(pixels.shape[:2], dtype=np.int32)
    for number, (row, column_) in enumerate(centers.astype(int), start=1):
        labels[row - 1 : row + 2, column_ - 1 : column_ + 2] = number
    measured = measure(
        Picture.of_tissue(TissueImage(pixels)), GRID, 55.0, ImageFeatures(labels=labels)
    )
    found = column(measured, "nuclei 1x")
    assert np.abs(found - truly_under(centers, 27.5)).max() <= 2  # at the rim
    with pytest.raises(InputError, match="labels have 5 x 5 pixels"):
        measure(
            Picture.of_tissue(TissueImage(pixels)),
            GRID,
            55.0,
            ImageFeatures(labels=labels[:5, :5]),
        )


def test_a_coarser_level_gives_the_same(cells):
    pixels, _ = cells
    large = pixels.repeat(4, axis=0).repeat(4, axis=1)
    half = pixels.repeat(2, axis=0).repeat(2, axis=1)
    small = measure(Picture.of_tissue(TissueImage(pixels)), GRID, 55.0)
    levels = (large, half, pixels)
    picture = Picture("image", levels, scaled_only(4.0), ("red", "green", "blue"), stained=True)
    assert picture.at(55.0).array is pixels
    pyramid = measure(picture, GRID, 55.0)
    np.testing.assert_allclose(
        column(pyramid, "haematoxylin mean 2x"), column(small, "haematoxylin mean 2x"), atol=0.03
    )
    without_levels = measure(Picture.of_tissue(TissueImage(large, 4.0)), GRID, 55.0)
    np.testing.assert_allclose(
        column(without_levels, "nuclei 1x"), column(small, "nuclei 1x"), atol=3
    )


def test_the_order_of_the_spots_changes_nothing(cells):
    pixels, _ = cells
    picture = Picture.of_tissue(TissueImage(pixels))
    shuffled = np.random.default_rng(1).permutation(len(GRID))
    one, other = measure(picture, GRID, 55.0), measure(picture, GRID[shuffled], 55.0)
    np.testing.assert_allclose(other.values, one.values[shuffled], rtol=1e-5, atol=1e-6)


def test_channels_are_measured_by_name():
    rng = np.random.default_rng(0)
    stack = rng.uniform(0, 10, (3, 300, 300))
    stack[1, :, :150] += 100
    channels = ("DAPI", "CD3", "CD20")
    picture = Picture("stack", (ChannelsLast(stack),), scaled_only(1.0), channels, stained=False)
    xy = np.array([(x, y) for y in range(20, 290, 20) for x in range(20, 290, 20)], dtype=float)
    measured = measure(picture, xy, 12.0, ImageFeatures(channels=("CD3",)))
    assert {name.split()[0] for name in measured.names} == {"CD3"}
    bright = column(measured, "CD3 mean 1x")
    assert bright[xy[:, 0] < 130].min() > bright[xy[:, 0] > 170].max()
    with pytest.raises(InputError, match=r"no channel CD8\. There are: DAPI, CD3, CD20"):
        measure(picture, xy, 12.0, ImageFeatures(channels=("CD8",)))


def test_spots_beside_the_picture_are_told(cells):
    pixels, _ = cells
    picture = Picture.of_tissue(TissueImage(pixels))
    with pytest.raises(InputError, match="lie outside image"):
        measure(picture, GRID + 500, 55.0)
    few = np.vstack([GRID, [(2000.0, 2000.0)]])
    measured = measure(picture, few, 55.0)
    assert "1 spot of 197 lie outside image" in measured.notes[0]
    assert np.isnan(measured.values[-1]).all()
    assert np.isfinite(measured.values[:-1, 0]).all()


def test_a_picture_smaller_than_a_spot_is_refused():
    one = np.full((1, 1, 3), 200, dtype=np.uint8)
    with pytest.raises(InputError, match="lie outside"):
        measure(Picture.of_tissue(TissueImage(one)), GRID, 55.0)


def test_coarse_pictures_say_that_nuclei_cannot_be_told(cells):
    pixels, _ = cells
    measured = measure(Picture.of_tissue(TissueImage(pixels[::10, ::10], 0.1)), GRID, 55.0)
    assert "nuclei cannot be told apart" in measured.notes[0]
    assert not any(name.startswith("nuclei") for name in measured.names)
