"""Channels are measured on the cells that another program segmented."""

import numpy as np
import pytest

from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.measuring import iter_measure
from napari_trsmi.preprocessing.image.opening import open_picture
from napari_trsmi.preprocessing.image.recipe import ImageFeatures

SIDE, REACH = 240, 7
CELLS = np.stack(np.meshgrid(np.arange(15, 230, 30), np.arange(15, 230, 30)), -1).reshape(-1, 2)


@pytest.fixture(scope="module")
def stained():
    """Round cells, each with amounts of its own, in two channels; and their labels."""
    rng = np.random.default_rng(0)
    amounts = rng.uniform(100, 900, (len(CELLS), 2))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    labels = np.zeros((SIDE, SIDE), dtype=np.int32)
    channels = rng.normal(20, 2, (2, SIDE, SIDE))
    for number, (x, y) in enumerate(CELLS):
        inside = np.hypot(rows - y, columns - x) <= REACH
        labels[inside] = 7 * number + 3  # numbers with gaps
        channels[:, inside] = amounts[number][:, None] + rng.normal(0, 5, (2, inside.sum()))
    return channels.astype(np.float32), labels, amounts


def measured(picture, spots=CELLS, **how):
    recipe = ImageFeatures(footprints=(2,), **how)
    steps = iter_measure(open_picture(picture, 1.0), spots.astype(float), 10.0, recipe)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def column(found, name):
    return found.values[:, found.names.index(name)].astype(float)


def test_each_spot_gets_the_cell_that_it_lies_in(stained):
    channels, labels, amounts = stained
    found = measured(channels, CELLS + 4, labels=labels)  # off the middle, in the cell
    for number in range(2):
        mean = column(found, f"channel {number} cell mean 2x")
        assert np.corrcoef(mean, amounts[:, number])[0, 1] > 0.999
        around = column(found, f"channel {number} mean 2x")
        assert np.median(around / mean) < 0.7  # a disc has what lies between cells, too
    spread = column(found, "channel 0 cell spread 2x")
    assert spread.max() < 2 * spread.min()  # the same noise, whatever lies around
    np.testing.assert_allclose(column(found, "cell area 2x"), (labels == 3).sum())
    assert not found.notes


def test_spots_in_no_cell_are_said(stained):
    channels, labels, _ = stained
    found = measured(channels, labels=np.where(labels == 3, 0, labels))
    assert np.flatnonzero(np.isnan(column(found, "cell area 2x"))).tolist() == [0]
    assert any("1 spot of 64 lie in no cell" in note for note in found.notes)
    with pytest.raises(InputError, match="No spot lies in a cell"):
        measured(channels, labels=np.zeros_like(labels))
    with pytest.raises(InputError, match="give whole numbers"):
        measured(channels, labels=labels / 2)
    with pytest.raises(InputError, match="labels have 9 x 9 pixels"):
        measured(channels, labels=labels[:9, :9])


def test_chosen_channels_alone_are_measured_per_cell(stained):
    channels, labels, _ = stained
    found = measured(channels, labels=labels, channels=("channel 1",))
    assert "channel 1 cell mean 2x" in found.names
    assert not any("channel 0" in name for name in found.names)
