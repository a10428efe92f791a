"""Coordinates in another frame than the picture's are noticed, and the right one named."""

from __future__ import annotations

import numpy as np
import pytest
from anndata import AnnData

from napari_trsmi import TissueImage, load
from napari_trsmi.data.frame import frame_warning, tissue_mask
from napari_trsmi.errors import TRSMIWarning

SCALE, HEIGHT, WIDTH = 0.2, 300, 320  # nearly square


@pytest.fixture(scope="module")
def image():
    """A wedge of pink tissue on a pale slide: no turn takes it to itself."""
    rng = np.random.default_rng(0)
    pixels = np.full((HEIGHT, WIDTH, 3), 238, np.uint8)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    tissue = (x > 30) & (x < 200) & (y > 60) & (y < 120 + x * 0.6)
    pixels[tissue] = (190, 110, 165)
    pixels = pixels - rng.integers(0, 12, pixels.shape).astype(np.uint8)
    return TissueImage(pixels, SCALE)


@pytest.fixture(scope="module")
def spots(image):
    """Spots of a hexagonal array that lie on the tissue, and their columns and rows."""
    rows, columns = np.divmod(np.arange(60 * 60), 60)
    grid = np.column_stack([2 * columns + rows % 2, rows])
    xy = grid * [14.0, 14.0 * np.sqrt(3)]
    places = (xy * SCALE).astype(int)
    inside = (places < [WIDTH, HEIGHT]).all(axis=1)
    on = np.zeros(len(xy), dtype=bool)
    on[inside] = tissue_mask_at(image, places[inside])
    return xy[on], grid[on].astype(float)


def tissue_mask_at(image, places):
    return image.pixels[places[:, 1], places[:, 0], 1] < 150


def test_tissue_is_what_differs_from_the_margin(image):
    mask = tissue_mask(image.pixels)
    shape = np.array(mask.shape)
    assert mask[shape[0] // 3, shape[1] // 3]
    assert not mask[2, 2]
    assert tissue_mask(np.full((90, 90, 3), 200, np.uint8)) is None


def test_right_coordinates_are_not_doubted(image, spots):
    xy, grid = spots
    assert frame_warning(xy, image, None) is None
    assert frame_warning(xy, image, grid) is None
    a_part = xy[:, 0] < np.median(xy[:, 0])
    assert frame_warning(xy[a_part], image, grid[a_part]) is None


@pytest.mark.parametrize(
    ("turn", "found"),
    [
        (lambda p: p[:, ::-1], r"With x and y exchanged.*\(y, x\)"),
        (lambda p: p * [1, -1], r"With y the other way round.*\(x, -y\)"),
        (
            lambda p: p * [1, -1] + [0, HEIGHT / SCALE],
            r"y counted from the bottom.*\(x, 1500 - y\)",
        ),
        (lambda p: p * [-1, 1] + [WIDTH / SCALE, 0], r"x counted from the right.*\(1600 - x, y\)"),
        (lambda p: [WIDTH / SCALE, HEIGHT / SCALE] - p, "Turned by half"),
        (lambda p: p * SCALE, r"Taken as pixels of this picture.*\(x, y\) / 0\.2"),
        (lambda p: p / 1000, "seem to be in another unit"),
    ],
    ids=["exchanged", "negative", "y-up", "x-left", "half", "hires-pixels", "millimetres"],
)
def test_other_frames_are_named(image, spots, turn, found):
    xy, _ = spots
    import re

    assert re.search(found, frame_warning(turn(xy), image, None) or "")


def test_columns_and_rows_of_the_array_are_no_pixels(image, spots):
    _, grid = spots
    assert "columns and rows of the array" in frame_warning(grid, image, grid)


def test_the_array_tells_where_the_tissue_does_not(spots):
    xy, grid = spots
    blank = TissueImage(np.full((HEIGHT, WIDTH, 3), 200, np.uint8), SCALE)
    assert frame_warning(xy, blank, grid) is None
    assert "x runs along array_row" in frame_warning(xy[:, ::-1], blank, grid)
    assert "y falls with array_row" in frame_warning(xy * [1, -1], blank, grid)


def test_a_picture_turned_against_the_array_is_right(image, spots):
    """Space Ranger takes such pictures: the coordinates go with the picture."""
    xy, grid = spots
    turned = TissueImage(np.ascontiguousarray(image.pixels.swapaxes(0, 1)), SCALE)
    assert frame_warning(xy[:, ::-1], turned, grid) is None


def test_loading_warns_and_notes(image, spots, no_warnings):
    xy, _ = spots
    table = AnnData(X=np.ones((len(xy), 3), np.float32) + np.arange(len(xy))[:, None] % 5)
    table.obsm["spatial"] = xy[:, ::-1].copy()
    with pytest.warns(TRSMIWarning, match="With x and y exchanged") as caught:
        omics = load({"rna": table}, image=image)
    assert str(caught.pop(TRSMIWarning).message) in omics.notes
    table.obsm["spatial"] = xy
    with no_warnings():
        assert load({"rna": table}, image=image).notes == ()
