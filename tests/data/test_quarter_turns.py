import numpy as np
import pytest

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.quarter_turns import fit_of_picture


@pytest.fixture
def tissue():
    """A picture of a flag of tissue, and the spots on it."""
    pixels = np.full((120, 120, 3), 255, dtype=np.uint8)
    pixels[10:110, 10:40] = (200, 80, 140)
    pixels[25:50, 10:100] = (200, 80, 140)
    rows, columns = np.nonzero(pixels[::4, ::4, 1] < 200)
    return pixels, np.column_stack([columns, rows]) * 4.0


@pytest.mark.parametrize(
    ("turn", "named"),
    [
        (lambda p: np.rot90(p, 1), "turned by a quarter to the right"),
        (lambda p: np.rot90(p, 2), "turned by half"),
        (lambda p: np.rot90(p, 3), "turned by a quarter to the left"),
        (np.fliplr, "mirrored left to right"),
        (np.flipud, "turned upside down"),
        (lambda p: p.transpose(1, 0, 2), "mirrored along its falling diagonal"),
        (lambda p: np.rot90(p, 2).transpose(1, 0, 2), "mirrored along its rising diagonal"),
    ],
)
def test_the_turn_that_puts_it_right_is_found(tissue, turn, named):
    pixels, spots = tissue
    fit, better = fit_of_picture(spots, TissueImage(np.ascontiguousarray(turn(pixels))))
    assert fit.on_tissue < 0.9
    assert better.name == named
    assert better.fit.on_tissue > 0.95


def test_a_picture_that_lies_right_is_left_alone(tissue):
    pixels, spots = tissue
    fit, better = fit_of_picture(spots, TissueImage(pixels))
    assert fit.on_tissue == 1
    assert better is None


def test_a_picture_without_tissue_says_nothing(tissue):
    _, spots = tissue
    assert fit_of_picture(spots, TissueImage(np.full((9, 9, 3), 7, np.uint8))) == (None, None)
