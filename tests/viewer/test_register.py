from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_trsmi.viewer.register import contrasting_color, register_of


def test_a_new_layer_lies_on_the_other():
    viewer = ViewerModel()
    below = viewer.add_points(
        [[3, 4]],
        scale=(2, 2),
        translate=(7, -3),
        rotate=30,
        shear=[0.1],
        affine=[[0, -2, 40], [2, 0, 10], [0, 0, 1]],
        units=("um", "um"),
        axis_labels=("row", "column"),
    )
    above = viewer.add_points([[3, 4]], **register_of(below))
    np.testing.assert_allclose(above.data_to_world((3, 4)), below.data_to_world((3, 4)))
    assert above.units == below.units
    assert above.axis_labels == below.axis_labels


@pytest.mark.parametrize(("theme", "color"), [("dark", "white"), ("light", "black")])
def test_without_an_image_the_canvas_counts(theme, color):
    viewer = ViewerModel()
    viewer.theme = theme
    assert contrasting_color(viewer) == color


@pytest.mark.parametrize(("level", "color"), [(240, "black"), (20, "white")])
def test_the_topmost_image_that_is_seen_counts(level, color):
    viewer = ViewerModel()
    viewer.add_image(np.full((40, 40, 3), 255 - level, dtype=np.uint8), rgb=True)
    viewer.add_image(np.full((40, 40, 3), level, dtype=np.uint8), rgb=True)
    viewer.add_image(np.full((40, 40, 3), 255 - level, dtype=np.uint8), rgb=True, visible=False)
    viewer.add_points([[1, 1]])
    assert contrasting_color(viewer) == color
