"""Regions that are drawn: which one each place lies in, whatever the layer's transforms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Image, Labels, Points, Shapes

from napari_trsmi.errors import InputError
from napari_trsmi.viewer.regions import has_regions, region_of

PLACES = np.array([[1.0, 1.0], [5.0, 5.0], [9.0, 9.0], [5.0, 1.0]])


def square(low: float, high: float) -> np.ndarray:
    return np.array([[low, low], [low, high], [high, high], [high, low]])


def found(layer, places=PLACES):
    regions = region_of(layer, places)
    return [None if pd.isna(name) else name for name in regions]


def test_layers_that_regions_are_drawn_in():
    assert has_regions(Shapes())
    assert has_regions(Labels(np.zeros((4, 4), dtype=int)))
    assert not has_regions(Labels(np.zeros((2, 4, 4), dtype=int)))
    assert not has_regions(Image(np.zeros((4, 4))))
    assert not has_regions(Points())


def test_the_topmost_shape_counts_and_shapes_are_numbered():
    layer = Shapes([square(0, 6), square(4, 6)], shape_type=["polygon", "rectangle"])
    assert found(layer) == ["1", "2", None, "1"]


def test_shapes_of_one_class_are_one_region():
    layer = Shapes(
        [square(0, 2), square(8, 10), square(4, 6)],
        shape_type="polygon",
        features={"classification": ["Tumour", "Tumour", "  "]},
    )
    regions = region_of(layer, PLACES)
    assert list(regions.categories) == ["Tumour", "3"]
    assert found(layer) == ["Tumour", "3", "Tumour", None]


def test_an_ellipse_is_round_also_when_it_is_turned():
    corners = square(0, 10)
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    turned = (corners - 5) @ turn.T + 5
    for shape in (corners, turned):
        layer = Shapes([shape], shape_type="ellipse")
        assert found(layer, np.array([[5, 5], [0.5, 5], [0.6, 0.6]])) == ["1", "1", None]


def test_brush_strokes_are_labels_and_places_beside_the_layer_have_none():
    painted = np.zeros((8, 8), dtype=int)
    painted[:3, :3], painted[4:7, 4:7] = 7, 2
    layer = Labels(painted)
    assert found(layer) == ["7", "2", None, None]
    named = Labels(painted, features=pd.DataFrame({"index": [2, 7], "name": ["stroma", "gland"]}))
    assert found(named) == ["gland", "stroma", None, None]


@pytest.mark.parametrize("kind", ["shapes", "labels"])
def test_regions_lie_where_the_layer_is_shown(kind):
    how = {"scale": (2, 4), "translate": (10, 20)}
    if kind == "shapes":
        layer = Shapes([square(0, 2)], shape_type="polygon", **how)
    else:
        painted = np.zeros((6, 6), dtype=int)
        painted[:2, :2] = 1
        layer = Labels(painted, **how)
    world = np.array([[12.0, 24.0], [1.0, 1.0], [12.0, 40.0]])
    assert found(layer, world) == ["1", None, None]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (Shapes(name="mine"), "'mine' has no polygon"),
        (Shapes([[[0, 0], [1, 1]]], shape_type="line", name="mine"), "'mine' has no polygon"),
        (Labels(np.zeros((4, 4), dtype=int), name="mine"), "Nothing is painted in layer 'mine'"),
    ],
)
def test_nothing_drawn_says_so(layer, said):
    with pytest.raises(InputError, match=said):
        region_of(layer, PLACES)


def test_strokes_that_hold_no_place_are_no_error():
    painted = np.zeros((20, 20), dtype=int)
    painted[15:, :3] = 1
    assert found(Labels(painted)) == [None] * 4
